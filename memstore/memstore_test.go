package memstore_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/store"
	"github.com/footfall-go/footfall/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open:    func(*testing.T) store.HotStore { return memstore.New(0) },
		Advance: time.Sleep,
		Within:  synctest.Test,
		Bytes:   func(s store.HotStore, _ []string) int64 { return s.(*memstore.Store).Bytes() },
	})
}

func sessionID(n int) string { return fmt.Sprintf("01970000-0000-7000-8000-%012x", n) }

// worst is about the largest document that a tracker stores: a flood sends it, not the
// shortest.
var worst = []byte(`{"userAgent":"` + strings.Repeat("<", 4<<10) + `","values":"` + strings.Repeat("<", 4<<10) + `"}`)

func put(t *testing.T, s *memstore.Store, id string, ttl time.Duration) {
	t.Helper()
	putDoc(t, s, id, []byte("{}"), ttl)
}

func putDoc(t *testing.T, s *memstore.Store, id string, doc []byte, ttl time.Duration) {
	t.Helper()
	if stored, err := s.Put(context.Background(), id, "s", doc, 0, 1, ttl); err != nil || !stored {
		t.Fatalf("Put(%s) = %v, %v", id, stored, err)
	}
}

func merge(t *testing.T, s *memstore.Store, id string, lastSeen int64) {
	t.Helper()
	if _, err := s.Merge(context.Background(), id, "s", "w", store.Activity{Views: 1, LastSeen: lastSeen}, time.Hour); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, s *memstore.Store, id string) bool {
	t.Helper()
	doc, _, _, err := s.Read(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return doc != nil
}

func TestStore_Capacity(t *testing.T) {
	t.Run("is_a_bound", func(t *testing.T) {
		const capacity, sessions = 640, 5000
		s := memstore.New(capacity)
		for i := range sessions {
			put(t, s, sessionID(i), time.Hour)
		}
		if s.Len() > capacity {
			t.Errorf("Len = %d, want at most the capacity of %d", s.Len(), capacity)
		}
		if got := s.Len() + int(s.Evicted()); got != sessions {
			t.Errorf("held %d + evicted %d = %d, want the %d that were put", s.Len(), s.Evicted(), got, sessions)
		}
	})
	t.Run("is_a_bound_in_bytes", func(t *testing.T) {
		const most, sessions = 16 << 20, 3000 // of which not half fits
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := memstore.NewSized(0, most)
		for i := range sessions {
			putDoc(t, s, sessionID(i), worst, time.Hour)
			for w := range 70 {
				if _, err := s.Merge(context.Background(), sessionID(i), "s", fmt.Sprintf("f00dcafe.%d", w), store.Activity{Views: 1, LastSeen: 1}, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if s.Bytes() > most {
			t.Errorf("the store takes %d bytes of at most %d: a bound on sessions bounds no memory", s.Bytes(), most)
		}
		if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > most+most/4 {
			t.Errorf("the store says that it takes %d bytes, and the heap has grown by %d: what is counted is what it takes", s.Bytes(), took)
		}
		if got := s.Len() + int(s.Evicted()); s.Evicted() == 0 || got != sessions {
			t.Errorf("held %d + evicted %d = %d, want the %d that were put: each is counted", s.Len(), s.Evicted(), got, sessions)
		}
		runtime.KeepAlive(s)
	})
	t.Run("evicts_first_those_whose_cookie_never_returned", func(t *testing.T) {
		s := memstore.NewSized(0, 16<<20)
		for i := range 1000 {
			put(t, s, sessionID(i), time.Hour)
			merge(t, s, sessionID(i), int64(1+i))
			merge(t, s, sessionID(i), int64(2000+i)) // came back
		}
		for i := range 6_000 { // a flood of visits that never do
			id := sessionID(100_000 + i)
			putDoc(t, s, id, worst, time.Hour)
			merge(t, s, id, 1)
		}
		if s.Evicted() == 0 {
			t.Fatal("nothing was evicted: the test is too small")
		}
		for i := range 1000 {
			if !has(t, s, sessionID(i)) {
				t.Fatalf("session %d came back and was evicted before one that never did", i)
			}
		}
	})
	t.Run("drops_the_expired_before_the_living", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := memstore.New(6400)
			for i := range 20_000 {
				put(t, s, sessionID(i), time.Second)
			}
			evicted := s.Evicted()
			time.Sleep(time.Second)
			for i := range 1000 {
				put(t, s, sessionID(50_000+i), time.Hour)
			}
			if s.Evicted() != evicted {
				t.Errorf("evicted %d living sessions while expired ones were there", s.Evicted()-evicted)
			}
		})
	})
}

func BenchmarkStore_Read(b *testing.B) {
	s := memstore.New(0)
	doc := make([]byte, 900)
	for i := range 10_000 {
		if _, err := s.Put(b.Context(), sessionID(i), "s", doc, 0, 1, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = sessionID(i * 9)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, _, _, err := s.Read(b.Context(), ids[i%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A million sessions must not be millions of objects for the garbage collector, which
// looks at each of them again and again.
func TestStore_FewObjects(t *testing.T) {
	const sessions = 20_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := memstore.New(0)
	for i := range sessions {
		putDoc(t, s, sessionID(i), fmt.Appendf(nil, `{"userAgent":"%0500d"}`, i), time.Hour)
		merge(t, s, sessionID(i), 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int64(after.HeapObjects) - int64(before.HeapObjects); n > sessions/4 {
		t.Errorf("%d sessions are %d objects", sessions, n)
	}
	if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > s.Bytes()*5/4 || took < s.Bytes()/2 {
		t.Errorf("the store says that it takes %d bytes, and the heap has grown by %d", s.Bytes(), took)
	}
	runtime.KeepAlive(s)
}

// Whoever reads a document may keep it, whatever is written meanwhile.
func TestStore_WhatWasReadStays(t *testing.T) {
	s := memstore.NewSized(0, 1<<20)
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := range 3000 {
				id := sessionID(w*100 + i%100)
				want := fmt.Appendf(nil, `{"is":"%0*d"}`, 100+i%900, w)
				if err := s.Delete(context.Background(), id); err != nil {
					t.Error(err)
				}
				if _, err := s.Put(context.Background(), id, "s", want, 0, 1, time.Hour); err != nil {
					t.Error(err)
				}
				doc, _, _, err := s.Read(context.Background(), id)
				if err != nil || doc != nil && string(doc) != string(want) { // nil: it was evicted
					t.Errorf("a session's document became %.40s… (%v)", doc, err)
				}
			}
		})
	}
	workers.Wait()
}
