package blackbox

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestExact_OneSessionTenThousandPageViews(t *testing.T) {
	const clients, views = 100, 10_000
	s := openShop(t)
	first := s.browser()
	first.view(productsPath + "/1?m=0")
	cookies := "Cookie: session=" + first.cookie("session") + "; visitor_id=" + first.cookie("visitor_id")
	var number atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			b := s.stranger(cookies)
			for {
				n := number.Add(1)
				if n >= views {
					return
				}
				a, err := b.try("GET", fmt.Sprintf("%s/%d?m=%d", productsPath, 1+n%200, n), "")
				if err != nil || a.status != 200 || len(a.header["Set-Cookie"]) > 0 {
					t.Errorf("page view %d: %v %v", n, err, a)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := first.asks(); got.PageViews != views {
		t.Errorf("the live session has %d page views, want %d", got.PageViews, views)
	}
	s.drained()
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, first.session()); n != views {
		t.Errorf("pageViews = %d, want %d", n, views)
	}
	if n := s.count(`SELECT count(*) FROM session_events WHERE session_id = ? AND event_type = 'page_view'`, first.session()); n != views {
		t.Errorf("%d page views are stored, want %d", n, views)
	}
	if n := s.count(`SELECT count(DISTINCT substr(page, instr(page, '?m='))) FROM session_events`); n != views {
		t.Errorf("%d different page views are stored, want %d", n, views)
	}
	if n := s.count(`SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d sessions, want one", n)
	}
	// The list that the command walks holds them all too.
	var events []struct{ EventType string }
	s.runJSON(&events, "events", first.session())
	if len(events) != views {
		t.Errorf("footfall events lists %d, want %d", len(events), views)
	}
}

func TestExact_KillDuringLoadFiveTimes(t *testing.T) {
	const clients, acknowledgedPerRound = 16, 400
	s := openShop(t)
	browsers := make([]*browser, clients)
	for i := range browsers {
		browsers[i] = s.browser()
		browsers[i].view(productsPath + fmt.Sprintf("/1?m=begin-%d", i))
	}
	var mu sync.Mutex
	acknowledged, sent := map[string]bool{}, map[string]bool{}
	sessions := map[string]bool{}
	for round := range 5 {
		var done atomic.Int64
		enough := make(chan struct{})
		var wg sync.WaitGroup
		for i, b := range browsers {
			sessions[b.session()] = true
			wg.Go(func() {
				for n := 0; ; n++ {
					mark := fmt.Sprintf("%d-%d-%d", round, i, n)
					mu.Lock()
					sent[mark] = true
					mu.Unlock()
					a, err := b.try("GET", productsPath+"/1?m="+mark, "")
					if err != nil {
						return // killed
					}
					if a.status != 200 {
						t.Errorf("status %d: %s", a.status, a.body)
						return
					}
					mu.Lock()
					acknowledged[mark] = true
					mu.Unlock()
					if done.Add(1) == acknowledgedPerRound {
						close(enough)
					}
				}
			})
		}
		<-enough
		s.kill()
		wg.Wait()
		s.start()
	}
	for _, b := range browsers {
		if !sessions[b.session()] || len(sessions) != clients {
			t.Errorf("a session did not survive: %d sessions of %d clients", len(sessions), clients)
			break
		}
	}
	s.drained()
	stored := map[string]int{}
	for _, row := range s.rows(`SELECT page FROM session_events WHERE event_type = 'page_view'`) {
		_, mark, _ := strings.Cut(row[0], "?m=")
		stored[mark]++
	}
	for mark := range acknowledged {
		if stored[mark] != 1 {
			t.Errorf("page view %s was acknowledged and is stored %d times", mark, stored[mark])
		}
	}
	unacknowledged := 0
	for mark, n := range stored {
		if strings.HasPrefix(mark, "begin-") {
			continue
		}
		if !sent[mark] || n > 1 {
			t.Errorf("page view %s is stored %d times; sent: %v", mark, n, sent[mark])
		}
		if !acknowledged[mark] {
			unacknowledged++
		}
	}
	if n := s.count(`SELECT sum(page_views) FROM sessions`); n != len(stored) {
		t.Errorf("the sessions' page views sum up to %d, stored are %d", n, len(stored))
	}
	live := 0
	for _, b := range browsers {
		live += b.asks().PageViews
	}
	if live != len(stored) {
		t.Errorf("the live sessions' page views sum up to %d, stored are %d", live, len(stored))
	}
	t.Logf("%d acknowledged, all stored once; %d more were stored that were not acknowledged", len(acknowledged), unacknowledged)
}
