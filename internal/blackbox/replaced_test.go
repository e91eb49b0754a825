package blackbox

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFault_DatabaseTakenAwayWhileRunning takes the database away from a running
// shop and puts one back. What the shop acknowledged meanwhile is in the database
// afterwards, each view once.
func TestFault_DatabaseTakenAwayWhileRunning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		take, giveBack func(t *testing.T, database, copied string)
		stays          bool // a database is at the path all the time
	}{
		"deleted, and a copy put in its place": {
			take:     func(t *testing.T, database, _ string) { try(t, os.Remove(database)) },
			giveBack: func(t *testing.T, database, copied string) { try(t, os.Rename(copied, database)) },
		},
		"moved away and back": {
			take:     func(t *testing.T, database, _ string) { try(t, os.Rename(database, database+".away")) },
			giveBack: func(t *testing.T, database, _ string) { try(t, os.Rename(database+".away", database)) },
		},
		"replaced by a copy at once": {
			take:     func(t *testing.T, database, copied string) { try(t, os.Rename(copied, database)) },
			giveBack: func(*testing.T, string, string) {},
			stays:    true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t)
			b, other := s.browser(), s.browser()
			views := 0
			view := func(n int) {
				for range n {
					views++
					b.view(fmt.Sprintf("%s/%d?view=%d", productsPath, 1+views%200, views))
				}
			}
			view(5)
			other.post(loginPath, firstCustomer).want(200)
			s.drained()
			database := filepath.Join(s.dataDir, "footfall.db")
			copied := filepath.Join(s.dataDir, "copy.db")
			db := s.open("ro")
			if _, err := db.Exec("VACUUM INTO ?", copied); err != nil {
				t.Fatal(err)
			}
			db.Close()

			c.take(t, database, copied)
			view(20)
			b.post(ordersPath, oneMug, key("while the database is away")).want(201)
			other.post(logoutPath, "").want(200)
			if !c.stays {
				eventually(t, "/readyz says what happened to the database", func() (bool, string) {
					a := s.browser().get("/readyz")
					return a.status == http.StatusServiceUnavailable && strings.Contains(string(a.body), "deleted or moved away"), a.String()
				})
				if r := s.run("doctor"); r.code != 1 || !strings.Contains(r.out, "deleted or moved away") || !strings.Contains(r.out, "the journal keeps what happens meanwhile") {
					t.Errorf("doctor: exit code %d\n%s%s", r.code, r.out, r.errors)
				}
				if _, err := os.Stat(database); err == nil {
					t.Error("the shop created an empty database in the place of the one that was taken away")
				}
				if st := s.status(); st.JournalPending == 0 {
					t.Error("the journal is empty: what happened since went into a file that is gone")
				}
			}
			c.giveBack(t, database, copied)
			s.drained()
			view(5)
			s.drained()
			eventually(t, "/readyz is 200", func() (bool, string) {
				a := s.browser().get("/readyz")
				return a.status == http.StatusOK, a.String()
			})
			check := func(when string) {
				t.Helper()
				stored := map[string]string{}
				for _, row := range s.rows(`SELECT substr(page, instr(page, 'view=') + 5), count(*) FROM session_events WHERE page LIKE '%view=%' GROUP BY 1`) {
					stored[row[0]] = row[1]
				}
				for n := 1; n <= views; n++ {
					if got := stored[fmt.Sprint(n)]; got != "1" {
						t.Errorf("%s: page view %d of %d is stored %q times, want once", when, n, views, got)
					}
				}
				if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != views {
					t.Errorf("%s: the session has %d page views, want %d", when, n, views)
				}
				if n := s.count(`SELECT count(*) FROM orders`); n != 1 {
					t.Errorf("%s: %d orders are stored, want 1", when, n)
				}
				if n := s.count(`SELECT count(*) FROM sessions WHERE end_reason = 'logout'`); n != 1 {
					t.Errorf("%s: %d sessions ended with a logout, want 1", when, n)
				}
			}
			check("after the database was back")
			s.crash()
			s.drained()
			check("after kill -9")
		})
	}
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
