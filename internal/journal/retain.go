package journal

// retention holds the frames written since the last good fsync, in case they have
// to be written again. It consists of chunks of whole frames, so that dropping
// the synced ones moves no memory. Guarded by Journal.mu. A repair also uses the
// bytes of the chunks, and keeps the writer out meanwhile.
type retention struct {
	chunks [][]byte
	size   int
	closed bool     // the last chunk is complete
	free   [][]byte // kept for reuse
}

const (
	chunkSize = 64 << 10
	maxFree   = 16
)

func (r *retention) add(frames []byte) {
	last := len(r.chunks) - 1
	if last < 0 || r.closed || cap(r.chunks[last])-len(r.chunks[last]) < len(frames) {
		r.chunks = append(r.chunks, r.chunk(len(frames)))
		r.closed = false
		last++
	}
	r.chunks[last] = append(r.chunks[last], frames...)
	r.size += len(frames)
}

func (r *retention) chunk(n int) []byte {
	if n > chunkSize {
		return make([]byte, 0, n)
	}
	if i := len(r.free) - 1; i >= 0 {
		c := r.free[i]
		r.free = r.free[:i]
		return c
	}
	return make([]byte, 0, chunkSize)
}

// mark closes the last chunk and returns the number of chunks so far. Passed to drop
// later, it drops the frames that are held now.
func (r *retention) mark() int {
	r.closed = true
	return len(r.chunks)
}

func (r *retention) drop(mark int) {
	for _, c := range r.chunks[:mark] {
		r.size -= len(c)
		if cap(c) == chunkSize && len(r.free) < maxFree {
			r.free = append(r.free, c[:0])
		}
	}
	rest := copy(r.chunks, r.chunks[mark:])
	clear(r.chunks[rest:])
	r.chunks = r.chunks[:rest]
}
