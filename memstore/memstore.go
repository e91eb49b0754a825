// Package memstore is a store.HotStore in this process's memory, for a shop on
// one machine and for tests. Its size is bounded, in sessions and in bytes; a tracker
// reads sessions that were dropped from its archive.
package memstore

import (
	"bytes"
	"context"
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
	capacity int   // of one shard
	most     int64 // bytes of one shard
	names    names
	started  time.Time // records expire by the monotonic clock, counted from here
}

type shard struct {
	mu      sync.Mutex
	records map[string]*record
	bytes   int64 // of all records
	// Two queues of records, each in the order of their last change: sessions
	// without any activity since the request that began them, and all others. The
	// former are dropped first.
	fresh, returned queue
	evicted         uint64
}

// firstRequest is how long what a session does may belong to the request that began it.
const firstRequest = time.Second

// overhead is about what a record takes besides its document and its texts, with its
// map entry.
const overhead = 300

type record struct {
	id         string
	doc        []byte
	series     string
	version    int64
	size       int64
	expires    time.Duration // counted from Store.started
	stored     time.Duration // likewise: when the session began
	lastSeen   int64
	first      writer    // most records have only one
	others     *[]writer // nil: there are none
	prev, next *record   // neighbours in the queue
	returned   bool
	packed     bool
}

type writer struct {
	name                  string
	views, events, orders int64
}

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

// Bytes returns about how much memory the sessions take.
func (s *Store) Bytes() int64 {
	n := int64(0)
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += s.shards[i].bytes
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
	s.bytes -= r.size
}

func (s *shard) queue(r *record) *queue {
	if r.returned {
		return &s.returned
	}
	return &s.fresh
}

// Read implements store.HotStore.
func (s *Store) Read(_ context.Context, id string) (doc []byte, version int64, all store.Activity, err error) {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.live(id, time.Since(s.started))
	if r == nil {
		return nil, 0, store.Activity{}, nil
	}
	if r.packed {
		doc = s.names.unpack(r.doc)
	} else {
		doc = bytes.Clone(r.doc)
	}
	return doc, r.version, r.activity(), nil
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
			sh.evict(nil)
		}
		r = &record{id: id, stored: now}
		sh.fresh.pushBack(r)
		sh.records[id] = r
	default:
		sh.queue(r).moveToBack(r)
	}
	if r.series != series {
		r.series, r.first, r.others, r.lastSeen = series, writer{}, nil, 0
	}
	r.doc, r.packed, r.version, r.expires = packed, ok, version, now+ttl
	sh.resize(r, s.most)
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
// its session began, otherwise the one changed longest ago, but not the one that room
// is made for. It returns false if there is no other. The caller holds s.mu.
func (s *shard) evict(keep *record) bool {
	for _, queue := range [...]*queue{&s.fresh, &s.returned} {
		r := queue.front
		if r == keep && r != nil {
			r = r.next
		}
		if r != nil {
			s.remove(r)
			s.evicted++
			return true
		}
	}
	return false
}

// resize counts what a record takes now, and makes room for it. The caller holds s.mu.
func (s *shard) resize(r *record, most int64) {
	size := int64(overhead + cap(r.doc) + len(r.series) + len(r.first.name))
	if r.others != nil {
		size += int64(cap(*r.others)) * (40 + 24) // with its name
	}
	s.bytes += size - r.size
	r.size = size
	for s.bytes > most && s.evict(r) {
	}
}

// Merge implements store.HotStore.
func (s *Store) Merge(_ context.Context, id, series, name string, a store.Activity, ttl time.Duration) (bool, error) {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Since(s.started)
	r := sh.live(id, now)
	if r == nil || r.series != series {
		return false, nil
	}
	w, added := r.writer(name)
	if w == nil {
		return false, nil
	}
	w.views, w.events, w.orders = max(w.views, a.Views), max(w.events, a.Events), max(w.orders, a.Orders)
	if a.LastSeen > r.lastSeen {
		if !r.returned && (r.lastSeen != 0 || now-r.stored > firstRequest) {
			sh.fresh.remove(r)
			r.returned = true
			sh.returned.pushBack(r)
		} else {
			sh.queue(r).moveToBack(r)
		}
		r.lastSeen = a.LastSeen
	}
	r.expires = max(r.expires, now+ttl)
	if added {
		sh.resize(r, s.most)
	}
	return true, nil
}

// activity returns what all writers have counted.
func (r *record) activity() store.Activity {
	all := store.Activity{Views: r.first.views, Events: r.first.events, Orders: r.first.orders, LastSeen: r.lastSeen}
	if r.others != nil {
		for i := range *r.others {
			w := &(*r.others)[i]
			all.Views += w.views
			all.Events += w.events
			all.Orders += w.orders
		}
	}
	return all
}

// writer returns a writer, and whether it is new: nil if the record has as many as it
// holds.
func (r *record) writer(name string) (w *writer, added bool) {
	if r.first.name == "" {
		r.first.name = name
		return &r.first, true
	}
	if r.first.name == name {
		return &r.first, false
	}
	if r.others == nil {
		r.others = new([]writer)
	}
	for i := range *r.others {
		if w := &(*r.others)[i]; w.name == name {
			return w, false
		}
	}
	if len(*r.others)+1 >= store.MaxWriters {
		return nil, false
	}
	*r.others = append(*r.others, writer{name: name})
	return &(*r.others)[len(*r.others)-1], true
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
