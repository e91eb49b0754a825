// Package memstore is a store.HotStore in this process's memory, for a shop on
// one machine and for tests. Its size is bounded; a tracker reads sessions that
// were dropped from its archive.
package memstore

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// DefaultCapacity is how many sessions a Store holds by default.
const DefaultCapacity = 2_000_000

const shards = 64

// A Store holds the documents of sessions. It is safe for concurrent use. No
// method blocks, so contexts are ignored. Make one with [New].
type Store struct {
	shards   [shards]shard
	capacity int // of one shard
	names    names
	started  time.Time // records expire by the monotonic clock, counted from here
}

type shard struct {
	mu      sync.Mutex
	records map[string]*record
	// Two queues of records, each in the order of their last change: sessions
	// without any activity since they began, and all others. The former are
	// dropped first.
	fresh, returned queue
	evicted         uint64
}

// A record takes about 250 bytes besides its document, its map entry included.
type record struct {
	id         string
	doc        []byte
	series     string
	version    int64
	expires    time.Duration // counted from Store.started
	lastSeen   int64
	first      writer    // most records have only one
	others     *[]writer // nil: there are none
	prev, next *record   // neighbours in the queue
	returned   bool
	packed     bool
}

type writer struct {
	name  string
	views int64
}

// New makes a store for at most capacity sessions, rounded up to a multiple of
// 64. Default, for a capacity of zero or less: DefaultCapacity.
func New(capacity int) *Store {
	if capacity <= 0 {
		capacity = DefaultCapacity
	}
	s := &Store{capacity: max(capacity/shards, 1), started: time.Now()}
	for i := range s.shards {
		s.shards[i].records = map[string]*record{}
	}
	return s
}

// Len returns how many sessions the store holds.
func (s *Store) Len() int {
	n := 0
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].records)
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

// live returns the record of an id, or nil if it is absent or has expired. The
// caller holds s.mu.
func (s *shard) live(id string, now time.Duration) *record {
	r := s.records[id]
	if r != nil && now >= r.expires {
		s.remove(r)
		return nil
	}
	return r
}

func (s *shard) remove(r *record) {
	delete(s.records, r.id)
	s.queue(r).remove(r)
}

func (s *shard) queue(r *record) *queue {
	if r.returned {
		return &s.returned
	}
	return &s.fresh
}

// Read implements store.HotStore.
func (s *Store) Read(_ context.Context, id string) (doc []byte, version, views, lastSeen int64, err error) {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.live(id, time.Since(s.started))
	if r == nil {
		return nil, 0, 0, 0, nil
	}
	if r.packed {
		doc = s.names.unpack(r.doc)
	} else {
		doc = bytes.Clone(r.doc)
	}
	return doc, r.version, r.views(), r.lastSeen, nil
}

// Put implements store.HotStore.
func (s *Store) Put(_ context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	packed, ok := s.names.pack(doc)
	if !ok {
		packed = bytes.Clone(doc)
	}
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Since(s.started)
	r := sh.live(id, now)
	switch {
	case r == nil && previous != 0, r != nil && r.version != previous:
		return false, nil
	case ttl <= 0:
		if r != nil {
			sh.remove(r)
		}
		return true, nil
	case r == nil:
		sh.dropExpired(2, now) // more than one Put adds, so that expired records do not accumulate
		if len(sh.records) >= s.capacity {
			sh.evict()
		}
		r = &record{id: id}
		sh.fresh.pushBack(r)
		sh.records[id] = r
	default:
		sh.queue(r).moveToBack(r)
	}
	if r.series != series {
		r.series, r.first, r.others, r.lastSeen = series, writer{}, nil, 0
	}
	r.doc, r.packed, r.version, r.expires = packed, ok, version, now+ttl
	return true, nil
}

// dropExpired removes at most this many expired records from the front of each
// queue, which holds the records changed longest ago. The caller holds s.mu.
func (s *shard) dropExpired(most int, now time.Duration) {
	for _, queue := range [...]*queue{&s.fresh, &s.returned} {
		for range most {
			r := queue.front
			if r == nil || now < r.expires {
				break
			}
			s.remove(r)
		}
	}
}

// evict drops one record to make room: the oldest one without any activity since
// its session began, otherwise the one changed longest ago. The caller holds
// s.mu.
func (s *shard) evict() {
	for _, queue := range [...]*queue{&s.fresh, &s.returned} {
		if r := queue.front; r != nil {
			s.remove(r)
			s.evicted++
			return
		}
	}
}

// Merge implements store.HotStore.
func (s *Store) Merge(_ context.Context, id, series, name string, views, lastSeen int64, ttl time.Duration) (bool, error) {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Since(s.started)
	r := sh.live(id, now)
	if r == nil || r.series != series {
		return false, nil
	}
	r.count(name, views)
	if lastSeen > r.lastSeen {
		if r.lastSeen != 0 && !r.returned {
			sh.fresh.remove(r)
			r.returned = true
			sh.returned.pushBack(r)
		} else {
			sh.queue(r).moveToBack(r)
		}
		r.lastSeen = lastSeen
	}
	r.expires = max(r.expires, now+ttl)
	return true, nil
}

// views returns the sum of all writers' counts.
func (r *record) views() int64 {
	views := r.first.views
	if r.others != nil {
		for _, w := range *r.others {
			views += w.views
		}
	}
	return views
}

// count raises one writer's count; a lower count changes nothing.
func (r *record) count(name string, views int64) {
	if r.first.name == "" {
		r.first.name = name
	}
	if r.first.name == name {
		r.first.views = max(r.first.views, views)
		return
	}
	if r.others == nil {
		r.others = new([]writer)
	}
	for i := range *r.others {
		if w := &(*r.others)[i]; w.name == name {
			w.views = max(w.views, views)
			return
		}
	}
	*r.others = append(*r.others, writer{name, views})
}

// Delete implements store.HotStore.
func (s *Store) Delete(_ context.Context, id string) error {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r := sh.records[id]; r != nil {
		sh.remove(r)
	}
	return nil
}
