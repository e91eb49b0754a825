package journal

// access is what of the reserve records may use.
type access uint8

const (
	noReserve access = iota
	mostOfReserve
	wholeReserve
)

// free is how many bytes may be written to the reserve.
func (r *reserve) free(a access) int64 {
	if a == noReserve || r.seg == nil || r.f == nil || r.returning {
		return 0
	}
	free := r.bytes - r.seg.size
	if a == mostOfReserve {
		free = max(free-r.bytes/4, 0)
	}
	return free
}
