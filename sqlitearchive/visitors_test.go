package sqlitearchive

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// Whatever their ids say, visitors are deleted by when they were last seen: ids of
// another kind, or made by a clock that was wrong, too.
func TestPurge_DeletesVisitorsByTheirLastSession(t *testing.T) {
	a, _ := shopOf(t)
	random := rand.New(rand.NewPCG(3, 4))
	now := time.Now().Truncate(time.Millisecond)
	old := func() time.Time { return now.Add(-time.Duration(random.IntN(1000)) * time.Hour) }
	last := map[string]time.Time{}
	var ids []string
	var facts []store.Fact
	for n := range 3000 {
		at := old()
		var id string
		switch kind := random.IntN(10); {
		case kind < 3 && len(ids) > 0:
			id = ids[random.IntN(len(ids))]
		case kind == 3:
			id = fmt.Sprint("visitor-", n)
		case kind == 4:
			id = fmt.Sprintf("%08x-0000-4000-8000-%012x", random.Uint32(), n)
		case kind == 5: // a clock was wrong
			id = uuidAt(old(), n)
		default:
			id = uuidAt(at, n)
		}
		begun := &store.SessionBegun{}
		begun.SessionID, begun.VisitorID, begun.StartedAt, begun.LastSeenAt, begun.Version = uuidAt(at, 1_000_000+n), id, at, at, 1
		facts = append(facts, begun)
		if last[id].IsZero() {
			ids = append(ids, id)
		}
		if at.After(last[id]) {
			last[id] = at
		}
	}
	if err := a.Append(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	for _, hours := range []int{5000, 900, 500, 100, 0} {
		before := now.Add(-time.Duration(hours) * time.Hour)
		want := 0
		for id, at := range last {
			if at.Before(before) {
				delete(last, id)
				want++
			}
		}
		deleted := 0
		for n := 1; n > 0; deleted += n {
			var err error
			if n, err = a.Purge(t.Context(), now, time.Time{}, before, 100); err != nil || n > 100 {
				t.Fatalf("Purge deleted %d with the limit 100: %v", n, err)
			}
		}
		left := map[string]time.Time{}
		rows, err := a.reader().QueryContext(t.Context(), `SELECT visitor_id, last_seen_at FROM visitors`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var ms int64
			if err := rows.Scan(&id, &ms); err != nil {
				t.Fatal(err)
			}
			left[id] = time.UnixMilli(ms)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if deleted != want || !maps.EqualFunc(left, last, time.Time.Equal) {
			t.Errorf("before %d hours ago %d visitors were deleted, want %d, and %d are left, want %d", hours, deleted, want, len(left), len(last))
		}
	}
}

func uuidAt(at time.Time, n int) string {
	ms := at.UnixMilli()
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, n)
}
