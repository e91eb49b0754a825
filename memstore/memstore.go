// Package memstore is a footfall.HotStore in this process's memory: for a shop
// on one machine, and for tests. It is bounded; what it drops, a tracker reads
// from its archive.
package memstore

import (
	"bytes"
	"container/list"
	"context"
	"sync"
	"time"
)

// DefaultCapacity is how many sessions a Store holds unless told otherwise.
const DefaultCapacity = 2_000_000

const shards = 64

// A Store holds sessions' documents. It is safe for concurrent use; no method
// waits for anything, so contexts are not looked at.
type Store struct {
	shards   [shards]shard
	capacity int // of a shard
}

type shard struct {
	mu      sync.Mutex
	records map[string]*record
	// Records in the order of their last change: those whose session did nothing
	// since it began, and the others. The former are dropped first.
	fresh, returned list.List
	evicted         uint64
}

type record struct {
	id       string
	doc      []byte
	series   string
	version  int64
	expires  time.Time
	lastSeen int64
	writers  []writer
	place    *list.Element
	returned bool
}

type writer struct {
	name  string
	views int64
}

// New makes a store for at most capacity sessions (in steps of 64, at least 64),
// or DefaultCapacity if that is zero or less.
func New(capacity int) *Store {
	if capacity <= 0 {
		capacity = DefaultCapacity
	}
	s := &Store{capacity: max(capacity/shards, 1)}
	for i := range s.shards {
		s.shards[i].records = map[string]*record{}
	}
	return s
}

// Len is how many sessions the store holds.
func (s *Store) Len() int {
	n := 0
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].records)
		s.shards[i].mu.Unlock()
	}
	return n
}

// Evicted is how many sessions were dropped because the store was full.
func (s *Store) Evicted() uint64 {
	n := uint64(0)
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += s.shards[i].evicted
		s.shards[i].mu.Unlock()
	}
	return n
}

// shard picks by the end of the id: that of a UUID is random.
func (s *Store) shard(id string) *shard {
	h := uint32(2166136261)
	for i := max(len(id)-8, 0); i < len(id); i++ {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return &s.shards[h%shards]
}

// live is the record of an id, unless its time is over. s.mu is held.
func (s *shard) live(id string) *record {
	r := s.records[id]
	if r != nil && !time.Now().Before(r.expires) {
		s.remove(r)
		return nil
	}
	return r
}

func (s *shard) remove(r *record) {
	delete(s.records, r.id)
	s.queue(r).Remove(r.place)
}

func (s *shard) queue(r *record) *list.List {
	if r.returned {
		return &s.returned
	}
	return &s.fresh
}

// Read implements footfall.HotStore.
func (s *Store) Read(_ context.Context, id string) (doc []byte, version, views, lastSeen int64, err error) {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.live(id)
	if r == nil {
		return nil, 0, 0, 0, nil
	}
	for _, w := range r.writers {
		views += w.views
	}
	return bytes.Clone(r.doc), r.version, views, r.lastSeen, nil
}

// Put implements footfall.HotStore.
func (s *Store) Put(_ context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.live(id)
	switch {
	case r == nil && previous != 0, r != nil && r.version != previous:
		return false, nil
	case ttl <= 0:
		if r != nil {
			sh.remove(r)
		}
		return true, nil
	case r == nil:
		sh.dropExpired(2) // more than come in, so that the dead do not pile up
		if len(sh.records) >= s.capacity {
			sh.evict()
		}
		r = &record{id: id}
		r.place = sh.fresh.PushBack(r)
		sh.records[id] = r
	default:
		sh.queue(r).MoveToBack(r.place)
	}
	if r.series != series {
		r.series, r.writers, r.lastSeen = series, nil, 0
	}
	r.doc, r.version, r.expires = bytes.Clone(doc), version, time.Now().Add(ttl)
	return true, nil
}

// dropExpired removes up to so many expired records from the front of each
// queue: those that were changed longest ago. s.mu is held.
func (s *shard) dropExpired(most int) {
	now := time.Now()
	for _, queue := range []*list.List{&s.fresh, &s.returned} {
		for range most {
			e := queue.Front()
			if e == nil || now.Before(e.Value.(*record).expires) {
				break
			}
			s.remove(e.Value.(*record))
		}
	}
}

// evict makes room: one goes that did nothing since it began, otherwise the one
// that was changed longest ago. s.mu is held.
func (s *shard) evict() {
	for _, queue := range []*list.List{&s.fresh, &s.returned} {
		if e := queue.Front(); e != nil {
			s.remove(e.Value.(*record))
			s.evicted++
			return
		}
	}
}

// Merge implements footfall.HotStore.
func (s *Store) Merge(_ context.Context, id, series, name string, views, lastSeen int64, ttl time.Duration) (bool, error) {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.live(id)
	if r == nil || r.series != series {
		return false, nil
	}
	i := 0
	for i < len(r.writers) && r.writers[i].name != name {
		i++
	}
	if i == len(r.writers) {
		r.writers = append(r.writers, writer{name: name})
	}
	r.writers[i].views = max(r.writers[i].views, views)
	if lastSeen > r.lastSeen {
		if r.lastSeen != 0 && !r.returned {
			sh.fresh.Remove(r.place)
			r.returned = true
			r.place = sh.returned.PushBack(r)
		} else {
			sh.queue(r).MoveToBack(r.place)
		}
		r.lastSeen = lastSeen
	}
	if until := time.Now().Add(ttl); until.After(r.expires) {
		r.expires = until
	}
	return true, nil
}

// Delete implements footfall.HotStore.
func (s *Store) Delete(_ context.Context, id string) error {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r := sh.records[id]; r != nil {
		sh.remove(r)
	}
	return nil
}
