package revoked

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/store"
)

// small holds 40 entries: ten in each generation.
func small() *Revoked {
	return New(&feed{}, nil, Options{MaxAge: 24 * time.Hour, MaxBytes: 40 * entryBytes, Counts: new(count.Set)})
}

func ofSession(n int, version int64) *store.Record {
	return &store.Record{Session: store.Session{SessionID: fmt.Sprintf("s-%04d", n), CustomerID: "c"}, Version: version, AuthenticatedAt: at}
}

func TestMemory_IsBoundedAndWhatFellOutIsInDoubt(t *testing.T) {
	r := small()
	for n := range 40 {
		r.Session(fmt.Sprintf("s-%04d", n), 20, uint64(n))
	}
	if _, doubt := r.Doubts(ofSession(0, 10)); doubt || r.mem.dropped != 0 {
		t.Errorf("%d entries fell out of a memory that had room for all", r.mem.dropped)
	}
	r.Session("s-0040", 20, 40)
	if r.mem.len() > 40 || r.mem.dropped != 10 {
		t.Errorf("a memory for 40 holds %d, and %d fell out: want at most 40, and the oldest ten", r.mem.len(), r.mem.dropped)
	}
	for n := range 41 {
		_, doubt := r.Doubts(ofSession(n, 10))
		if covers := r.Covers(ofSession(n, 10)); !covers && !doubt {
			t.Errorf("session %d was revoked, and its customer is believed without asking the archive: what falls out must never let anybody in", n)
		} else if doubt && n > 9 {
			t.Errorf("session %d is in doubt: those that fell out are 0 to 9, and a session with a greater id is none of them", n)
		}
	}
	if d, _ := r.Doubts(ofSession(3, 10)); d.Position != 9 {
		t.Errorf("what fell out stands up to position %d of the journal, want 9: before that is in the archive it cannot be asked", d.Position)
	}
	anonymous := ofSession(3, 10)
	anonymous.CustomerID = ""
	if _, doubt := r.Doubts(anonymous); doubt {
		t.Error("a session of nobody is in doubt: it can let nobody in")
	}
}

func TestMemory_DoubtsWhoWasAuthenticatedBeforeARevocationThatFellOut(t *testing.T) {
	r := small()
	for n := range 41 {
		r.Customer(fmt.Sprint("c-", n), at.Add(time.Duration(n)*time.Second), 0)
	}
	for after, want := range map[time.Duration]bool{8 * time.Second: true, 9 * time.Second: false, time.Hour: false} {
		rec := ofSession(1, 1)
		rec.AuthenticatedAt = at.Add(after)
		if _, doubt := r.Doubts(rec); doubt != want {
			t.Errorf("the latest revocation that fell out was 9 s after the start; a login after %v is in doubt: %v, want %v", after, doubt, want)
		}
	}
}

func TestMemory_WhatTheArchiveSaysIsRememberedUntilMoreFallsOut(t *testing.T) {
	r := small()
	fill := func(from int) {
		for n := range 41 {
			r.Session(fmt.Sprintf("s-%04d", from+n), 20, 0)
		}
	}
	fill(1000)
	rec := ofSession(5, 10)
	d, doubt := r.Doubts(rec)
	if !doubt {
		t.Fatal("the record is not in doubt")
	}
	r.Clear(rec, d)
	if _, doubt := r.Doubts(rec); doubt {
		t.Error("the archive was asked, and is asked again at each request")
	}
	if _, doubt := r.Doubts(ofSession(5, 11)); !doubt {
		t.Error("what the archive said of one version is believed of another")
	}
	fill(2000)
	if _, doubt := r.Doubts(rec); !doubt {
		t.Error("more fell out since the archive was asked, and it is not asked again")
	}
	r.Clear(rec, d)
	if _, doubt := r.Doubts(rec); !doubt {
		t.Error("an answer of the archive from before more fell out is believed")
	}
}

func TestMemory_TakesNoMoreThanItCounts(t *testing.T) {
	const n = 300_000
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	r := New(&feed{}, nil, Options{MaxAge: 24 * time.Hour, MaxBytes: n * entryBytes, Counts: new(count.Set)})
	for i := range n {
		r.Session(fmt.Sprintf("01970000-0000-7000-8000-%012x", i), 20, 0)
	}
	each := (heap() - before) / n
	if each > entryBytes || r.mem.len() != n {
		t.Errorf("%d entries take %d bytes each, and %d are counted: the bound would not hold", r.mem.len(), each, entryBytes)
	}
	t.Logf("%d bytes each", each)
	runtime.KeepAlive(r)
}
