package sqlitearchive_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/footfall-go/footfall/store"
)

// A session's events are found through linked lists (last_event, then previous): its
// own, and those of the sessions folded into it. Whatever happens, these lists have to contain exactly the events of the session
// that a look at every row finds.
func TestArchive_EventChain(t *testing.T) {
	const listed = `WITH RECURSIVE walk (root, id, steps) AS (
			SELECT number, last_event, 1 FROM sessions WHERE last_event IS NOT NULL
			UNION ALL
			SELECT into_number, last_event, 1 FROM folded_sessions WHERE last_event IS NOT NULL
			UNION ALL
			SELECT walk.root, e.previous, steps + 1 FROM walk JOIN event_rows e ON e.id = walk.id WHERE e.previous IS NOT NULL AND steps < 10000
		)`
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed_%d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 5))
			path := filepath.Join(t.TempDir(), "footfall.db")
			a := open(t, path)
			db := connect(t, path)
			const sessions = 12
			target := func(n int) int { return n - n%4 } // 1 to 3 fold into 0, 5 to 7 into 4, …
			var facts []store.Fact
			for n := range sessions {
				facts = append(facts, begun(n))
			}
			id := 0
			for range 9 {
				for range rnd.IntN(130) {
					n := rnd.IntN(sessions)
					switch k := rnd.IntN(20); {
					case k == 0 && n != target(n):
						facts = append(facts, &store.SessionsFolded{Into: sessionID(target(n)), Folded: sessionID(n), Visitor: visitorID(target(n))})
					case k == 1:
						facts = append(facts, &store.SessionSeen{SessionID: sessionID(n), At: began})
					case k == 2 && id > 0:
						facts = append(facts, view(n, fmt.Sprintf("e-%d", rnd.IntN(id))))
					case k == 3 && len(facts) > 0:
						facts = append(facts, facts[rnd.IntN(len(facts))])
					default:
						id++
						facts = append(facts, view(n, fmt.Sprintf("e-%d", id)))
					}
				}
				mustAppend(t, a, facts...)
				if rnd.IntN(4) > 0 { // otherwise they come again
					facts = nil
				}
				wantTable(t, db, listed+` SELECT count(*), count(DISTINCT id), (SELECT count(*) FROM session_events) - count(*) AS unlisted FROM walk`,
					fmt.Sprintf("count(*) | count(DISTINCT id) | unlisted\n%[1]s | %[1]s | 0", table(t, db, `SELECT count(*) AS n FROM session_events`)[2:]))
				wantTable(t, db, listed+` SELECT count(*) AS strangers FROM walk JOIN event_rows e ON e.id = walk.id WHERE e.session <> walk.root`, "strangers\n0")
				wantTable(t, db, `SELECT count(*) AS wrong FROM sessions s WHERE page_views <> (SELECT count(*) FROM session_events e WHERE e.session_id = s.session_id AND event_type = 'page_view')`, "wrong\n0")
			}
		})
	}
}
