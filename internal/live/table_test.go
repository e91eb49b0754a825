package live

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/store"
)

var lives = store.Lifetimes{Idle: time.Hour, Absolute: 24 * time.Hour}

// inOneShard is an entry whose id falls into one shard with all others of these.
func inOneShard(seen time.Duration) *Entry {
	id := clock.NewID()
	id[15] = 0
	rec := record(id)
	rec.LastSeenAt = start.Add(seen)
	e := New(id, rec, names)
	e.Announced(Outcome{Written: true, Position: 1})
	e.BeginningWritten(1)
	return e
}

// tied are the reasons for which an entry must stay where it is.
var tied = map[string]func(e *Entry){
	"has activity that the hot store was not told": func(e *Entry) { e.MarkUnsent() },
	"has a merge under way":                        func(e *Entry) { e.MarkUnsent(); e.StartMerge(lives) },
	"has a fact that the archive does not hold":    func(e *Entry) { e.Moved(2) },
	"has an order that the archive does not hold":  func(e *Entry) { e.Convert("o", 2) },
	"has an end that the archive does not hold":    func(e *Entry) { e.End(store.Credentials{}, 2) },
	"has absorbed views the archive does not hold": func(e *Entry) { e.Absorb(1, 2); e.StartMerge(lives); e.EndMerge() },
	"has no beginning in any journal":              func(e *Entry) { e.Announced(Outcome{Position: 0}) },
}

func TestTable_NothingIsDroppedThatStandsNowhereElse(t *testing.T) {
	for why, tie := range tied {
		counts := new(count.Set)
		table := NewTable(1, 1<<40, counts)
		e := inOneShard(-time.Hour)
		tie(e)
		table.Add(e, 1)
		if got := table.Add(inOneShard(0), 1); got != nil || table.Get(e.ID()) != e {
			t.Errorf("an entry that %s was evicted: nobody else knows of it", why)
		}
		if counts.All()["live_refused"] != 1 || counts.All()["live_evicted"] != 0 {
			t.Errorf("a table full of entries that cannot go counts %v: one was refused, none evicted", counts.All())
		}
		table.Sweep(start, start.Add(-24*time.Hour), 1)
		if table.Get(e.ID()) == nil {
			t.Errorf("an entry that %s was swept: nobody else knows of it", why)
		}
		table.Sweep(start, start, 1)
		if table.Get(e.ID()) != nil || table.Len() != 0 {
			t.Errorf("a session that is dead, which %s, stays in memory for ever", why)
		}
	}
}

func TestTable_WhatStandsElsewhereMakesRoom(t *testing.T) {
	counts := new(count.Set)
	table := NewTable(1, 1<<40, counts)
	old, fresh := inOneShard(-time.Hour), inOneShard(0)
	table.Add(old, 1)
	if table.Add(fresh, 1) != fresh || table.Get(old.ID()) != nil || table.Len() != 1 || counts.All()["live_evicted"] != 1 {
		t.Errorf("an entry that stands elsewhere did not make room for a new one: the table has %d, counts %v", table.Len(), counts.All())
	}
	if again := New(fresh.ID(), record(fresh.ID()), names); table.Add(again, 1) != fresh {
		t.Error("a second entry of a session took the place of the first: one session must have one entry")
	}
	table.Sweep(start, start.Add(-24*time.Hour), 1)
	if table.Get(fresh.ID()) == nil {
		t.Error("an entry that was active lately was swept")
	}
	table.Sweep(start.Add(time.Second), start.Add(-24*time.Hour), 1)
	if table.Get(fresh.ID()) != nil || table.Len() != 0 {
		t.Error("an idle entry that stands elsewhere was not swept")
	}
	table.Add(fresh, 1)
	table.Remove(fresh.ID())
	table.Remove(fresh.ID())
	if table.Len() != 0 {
		t.Errorf("an empty table says that it has %d entries", table.Len())
	}
}

func TestPickVictim_WhoseCookieNeverCameThenTheOneActiveLongestAgo(t *testing.T) {
	seenOld, seenNew, unseenOld, unseenNew := inOneShard(-4*time.Hour), inOneShard(-3*time.Hour), inOneShard(-2*time.Hour), inOneShard(-time.Hour)
	busy := inOneShard(-9 * time.Hour)
	busy.MarkUnsent()
	seenOld.SeeCookie()
	seenNew.SeeCookie()
	for range 10 { // maps are walked from a random place
		entries := map[uuid.UUID]*Entry{}
		for _, e := range []*Entry{seenOld, seenNew, unseenOld, unseenNew, busy} {
			entries[e.ID()] = e
		}
		for i, want := range []*Entry{unseenOld, unseenNew, seenOld, seenNew, nil} {
			got := pickVictim(entries, 1)
			if got != want {
				t.Fatalf("victim %d is another than it should be: first go those whose cookie never came back, then those that were active longest ago, and never one that stands nowhere else", i+1)
			}
			if got != nil {
				delete(entries, got.ID())
			}
		}
	}
}

func TestProjected_OnlyWithABeginningAndAllFactsConfirmed(t *testing.T) {
	e := known()
	e.Moved(5)
	switch {
	case e.Projected(4):
		t.Error("the archive is said to hold a session whose latest fact is at 5, and it is confirmed up to 4")
	case !e.Projected(5):
		t.Error("the archive holds everything up to the session's latest fact, and is said not to hold the session")
	case begun().Projected(100):
		t.Error("the archive is said to hold a session whose beginning is in no journal")
	}
	if e.Moved(3); e.Projected(4) {
		t.Error("an earlier fact moved a session's position back: positions only grow")
	}
}

func TestQueue_AnEntryIsQueuedOnceUntilItWasSent(t *testing.T) {
	e := known()
	queued := func() bool { return e.Recorded(Outcome{At: start, View: true, Written: true}) }
	if !queued() || queued() {
		t.Error("an entry has to be queued by its first activity, and not again while it is in the queue")
	}
	before, _ := e.Quiet()
	if e.StartMerge(lives); !queued() {
		t.Error("a view during a merge does not queue the entry: the hot store would not be told of it")
	}
	e.EndMerge()
	if after, quiet := e.Quiet(); quiet || after == before {
		t.Error("an entry with unsent activity says that it is quiet, or does not count the merge that ended: its views would be added twice")
	}
	if e.Dropped(); !queued() {
		t.Error("an entry that the queue had no room for is never queued again")
	}
}

// fat is an entry with the longest texts that a session may have.
func fat(seen time.Duration) *Entry {
	e := inOneShard(seen)
	e.rec.UserAgent, e.rec.Referrer = strings.Repeat("<", 512), strings.Repeat("<", 2048)
	return e
}

func TestTable_IsBoundedByBytes(t *testing.T) {
	const most = 256 << 10
	counts := new(count.Set)
	table := NewTable(1_000_000, most, counts)
	returned := inOneShard(-time.Hour)
	returned.SeeCookie()
	table.Add(returned, 1)
	for range 1000 {
		if e := fat(0); table.Add(e, 1) != e {
			t.Fatal("a session found no place though others could go")
		}
		if table.Bytes() > most {
			t.Fatalf("the table takes %d bytes: at most %d, however long the texts are", table.Bytes(), most)
		}
	}
	if n := counts.All()["live_evicted"]; n == 0 || int64(n)+table.Len() != 1001 {
		t.Errorf("%d sessions were evicted and %d are held, of 1001: each is counted", n, table.Len())
	}
	if table.Get(returned.ID()) == nil {
		t.Error("a session whose cookie returned was evicted before those whose cookie never did")
	}
	for _, e := range table.shards[0].entries {
		table.Remove(e.ID())
	}
	if table.Bytes() != 0 || table.Len() != 0 {
		t.Errorf("an empty table says that it takes %d bytes", table.Bytes())
	}
}

func TestTable_ValuesCount(t *testing.T) {
	table := NewTable(10, 1<<30, new(count.Set))
	e := inOneShard(0)
	table.Add(e, 1)
	before := table.Bytes()
	rec := e.Snapshot()
	rec.Version++
	rec.Values = map[string]store.Value{"cart": {JSON: json.RawMessage(strings.Repeat("1", 4000))}}
	e.Merge(rec, nil, start)
	if grown := table.Bytes() - before; grown < 4000 {
		t.Errorf("a session that got a value of 4,000 bytes grew by %d: values take memory too", grown)
	}
	rec.Version++
	rec.Values = nil
	e.Merge(rec, nil, start)
	if table.Bytes() != before {
		t.Errorf("a session that lost its values takes %d bytes, %d before it had them", table.Bytes(), before)
	}
}

// With the archive away nothing can go. Then finding that out costs the same however
// many entries there are.
func TestTable_LookingForAVictimIsBounded(t *testing.T) {
	table := NewTable(5000, 1<<40, new(count.Set))
	busy := map[*Entry]bool{}
	for range 5000 {
		e := inOneShard(0)
		e.MarkUnsent()
		busy[table.Add(e, 1)] = true
	}
	free := inOneShard(-time.Hour)
	table.shards[0].entries[free.ID()] = free
	found := 0
	for range 20 {
		if pickVictim(table.shards[0].entries, 1) != nil {
			found++
		}
	}
	if found == 20 {
		t.Error("the one entry of 5,001 that can go is found each time: all are looked at, under the shard's lock")
	}
}
