package sqlitearchive_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// A session has up to 110,000 events, and strangers choose how many sessions do. A step
// of Purge is a transaction: nothing else is stored meanwhile, and the write-ahead log
// gets longer than what is deleted.
func TestArchive_PurgeStepIsBoundedInEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "footfall.db")
	a := open(t, path)
	db := connect(t, path)
	const each, sessions = 6000, 10
	for s := range sessions {
		facts := []store.Fact{begun(s)}
		for i := range each {
			facts = append(facts, view(s, fmt.Sprintf("e-%d-%d", s, i)))
		}
		mustAppend(t, a, facts...)
	}
	mustAppend(t, a, begun(sessions)) // and one without events
	events := func() (n int) {
		t.Helper()
		if err := db.QueryRow(`SELECT count(*) FROM session_events`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	later := began.Add(time.Hour)
	steps := 0
	for before := events(); ; steps++ {
		n, err := a.Purge(t.Context(), later, later, began, 500)
		if err != nil {
			t.Fatal(err)
		}
		after := events()
		if most := 20_000; before-after > most {
			t.Errorf("one step deleted %d events, want at most %d", before-after, most)
		}
		if n == 0 {
			break
		}
		before = after
	}
	if n := events(); n != 0 || steps < sessions*each/20_000 {
		t.Errorf("%d events are left after %d steps", n, steps)
	}
	wantTable(t, db, `SELECT count(*) AS n FROM sessions`, "n\n0")
}
