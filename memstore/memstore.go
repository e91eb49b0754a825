// Package memstore is a store.HotStore in this process's memory, for a shop on
// one machine and for tests. Its size is bounded, in sessions and in bytes; a tracker
// reads sessions that were dropped from its archive.
package memstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/memory"
	"github.com/footfall-go/footfall/store"
)

// DefaultCapacity is how many sessions a Store holds by default.
const DefaultCapacity = 2_000_000

const (
	shards     = 64
	leastBytes = 256 << 10 // of one shard: more than the largest record takes
)

// A Store holds the documents of sessions. It is safe for concurrent use. No
// method blocks, so contexts are ignored. Make one with [New].
type Store struct {
	shards   [shards]shard
	capacity int       // of one shard
	most     int64     // bytes of one shard
	started  time.Time // records expire by the monotonic clock, counted from here
}

// firstRequest is how long what a session does may belong to the request that began it.
const firstRequest = time.Second

// DefaultBytes is how much memory a Store takes by default: a quarter of what this
// process may use, which is GOMEMLIMIT, the limit of its cgroup, or the machine's
// memory.
func DefaultBytes() int64 { return memory.Share(25) }

// New makes a store for at most capacity sessions, rounded up to a multiple of
// 64, in at most [DefaultBytes]. Default, for a capacity of zero or less:
// DefaultCapacity.
func New(capacity int) *Store { return NewSized(capacity, 0) }

// NewSized is [New] for at most so many bytes, but 16 MiB at least. Default, for zero
// or less: DefaultBytes.
func NewSized(capacity int, most int64) *Store {
	if capacity <= 0 {
		capacity = DefaultCapacity
	}
	if most <= 0 {
		most = DefaultBytes()
	}
	s := &Store{capacity: max(capacity/shards, 1), most: max(most/shards, leastBytes), started: time.Now()}
	for i := range s.shards {
		s.shards[i] = newShard(s.most)
	}
	return s
}

// Len returns how many sessions the store holds.
func (s *Store) Len() int {
	n := 0
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].numbers)
		s.shards[i].mu.Unlock()
	}
	return n
}

// Bytes returns about how much memory the sessions take.
func (s *Store) Bytes() int64 {
	n := int64(0)
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += s.shards[i].bytes()
		s.shards[i].mu.Unlock()
	}
	return n
}

// Evicted returns how many sessions were dropped because the store was full.
func (s *Store) Evicted() uint64 {
	n := uint64(0)
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += s.shards[i].evicted
		s.shards[i].mu.Unlock()
	}
	return n
}

// shard chooses a shard by the end of the id, which is random in a UUID.
func (s *Store) shard(id string) *shard {
	h := uint32(2166136261)
	for i := max(len(id)-8, 0); i < len(id); i++ {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return &s.shards[h%shards]
}

// InProcess implements store.InProcess.
func (s *Store) InProcess() {}

// Read implements store.HotStore.
func (s *Store) Read(_ context.Context, id string) (doc []byte, version int64, all store.Activity, err error) {
	sh, k := s.shard(id), keyOf(id)
	sh.mu.Lock()
	n := sh.find(k, time.Since(s.started))
	if n == 0 {
		sh.mu.Unlock()
		return nil, 0, store.Activity{}, nil
	}
	r := sh.record(n)
	_, stored := divide(sh.documents.at(r.document))
	version, all = r.version, sh.activity(n)
	sh.mu.Unlock()
	return bytes.Clone(stored), version, all, nil
}

// blobs are buffers for what is stored of a document: its series, and the document.
var blobs = sync.Pool{New: func() any { return new(make([]byte, 0, 2048)) }}

// divide divides what is stored.
func divide(blob []byte) (series, doc []byte) {
	size, n := binary.Uvarint(blob)
	return blob[n : n+int(size)], blob[n+int(size):]
}

// Put implements store.HotStore.
func (s *Store) Put(_ context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	buf := blobs.Get().(*[]byte)
	defer blobs.Put(buf)
	blob := append(binary.AppendUvarint((*buf)[:0], uint64(len(series))), series...)
	blob = append(blob, doc...)
	*buf = blob
	sh, k := s.shard(id), keyOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Since(s.started)
	n := sh.find(k, now)
	switch {
	case n == 0 && previous != 0, n != 0 && sh.record(n).version != previous:
		return false, nil
	case ttl <= 0:
		if n != 0 {
			sh.remove(n)
		}
		return true, nil
	case n == 0:
		sh.dropExpired(2, now) // more than one Put adds, so that expired records do not accumulate
		if len(sh.numbers) >= s.capacity {
			sh.evict(0)
		}
		n = sh.add(k, blob, now, s.most)
	default:
		r := sh.record(n)
		sh.moveToBack(sh.queue(r), n)
		if was, _ := divide(sh.documents.at(r.document)); string(was) != series {
			r.first, r.lastSeen = writer{}, 0
			sh.dropOthers(n)
		}
		sh.replace(n, blob)
	}
	r := sh.record(n)
	r.version, r.expires = version, now+ttl
	sh.makeRoom(n, s.most)
	return true, nil
}

// Merge implements store.HotStore.
func (s *Store) Merge(_ context.Context, id, series, name string, a store.Activity, ttl time.Duration) (bool, error) {
	sh, k := s.shard(id), keyOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Since(s.started)
	n := sh.find(k, now)
	if n == 0 {
		return false, nil
	}
	r := sh.record(n)
	if is, _ := divide(sh.documents.at(r.document)); string(is) != series {
		return false, nil
	}
	w, added := sh.writer(n, name)
	if w == nil {
		return false, nil
	}
	w.note(a)
	if a.LastSeen > r.lastSeen {
		if !r.returned && (r.lastSeen != 0 || now-r.stored > firstRequest) {
			sh.unlink(&sh.fresh, n)
			r.returned = true
			sh.pushBack(&sh.returned, n)
		} else {
			sh.moveToBack(sh.queue(r), n)
		}
		r.lastSeen = a.LastSeen
	}
	r.expires = max(r.expires, now+ttl)
	if added {
		sh.makeRoom(n, s.most)
	}
	return true, nil
}

// Delete implements store.HotStore.
func (s *Store) Delete(_ context.Context, id string) error {
	sh, k := s.shard(id), keyOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if n := sh.numbers[k]; n != 0 {
		sh.remove(n)
	}
	return nil
}
