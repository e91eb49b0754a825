package scenarios_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Requests that change one value at a time lose nothing of each other.
func TestUpdateValue_InParallel(t *testing.T) {
	s := stage.New(t, nil)
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			err := s.Tracker.UpdateValue(r.Context(), "n", func(before json.RawMessage) (any, error) {
				n := 0
				if before != nil {
					if err := json.Unmarshal(before, &n); err != nil {
						return nil, err
					}
				}
				return n + 1, nil
			})
			if err == nil {
				return
			}
			if !errors.Is(err, footfall.ErrUnavailable) { // five conflicts in a row: again
				t.Error(err)
				return
			}
		}
	}))
	b := stage.NewBrowser(t, h)
	b.Do("POST", "/")
	var wg sync.WaitGroup
	for range 30 {
		r := b.Request("POST", "/")
		wg.Go(func() { b.With("").Send(r) })
	}
	wg.Wait()
	n := 0
	newValue := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.Tracker.Value(r.Context(), "n", &n); err != nil {
			t.Error(err)
		}
	}))
	b.Handler = newValue
	b.Do("POST", "/")
	if n != 31 {
		t.Errorf("31 requests that add one make %d", n)
	}
}

// A value that is set in a loop becomes few facts, and the last one is stored whatever
// comes next: nothing, the end of the process, or the end of the hot store.
func TestSetValue_ALoopCoalescesToTheLast(t *testing.T) {
	for what, then := range map[string]func(s *stage.Stage){
		"nothing more happens": func(*stage.Stage) { time.Sleep(time.Second) },
		"the process ends":     func(s *stage.Stage) { s.Restart() },
		"the hot store fails":  func(s *stage.Stage) { s.Hot.Down.Store(true); time.Sleep(time.Second); s.Hot.Down.Store(false) },
		"the archive was behind": func(s *stage.Stage) {
			s.Archive.Down.Store(true)
			time.Sleep(time.Second)
			s.Archive.Down.Store(false)
			time.Sleep(5 * time.Second)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const times = 2000
				s := stage.New(t, nil)
				b := stage.NewBrowser(t, s.Site())
				b.Do("GET", "/")
				id := stage.SessionOf(t, b)
				s.Settle()
				facts := s.Count("facts_projected")
				for i := range times {
					time.Sleep(time.Millisecond)
					if got := stage.Text(t, b.Do("POST", fmt.Sprintf("/value/cart/%d", i))); got != "ok" {
						t.Fatal(got)
					}
				}
				s.Settle()
				// 32 at once, and one each 200 ms; a SessionSeen each second.
				if wrote := s.Count("facts_projected") - facts; wrote > 32+times/200+10 {
					t.Errorf("a value that was set %d times in 2 s became %d facts: they have to coalesce to the last of each moment", times, wrote)
				}
				b.Do("POST", "/value/cart/last")
				then(s)
				if got := string(s.Stored(id).Values["cart"].JSON); got != `"last"` {
					t.Errorf("the value is %s in the archive after %s: the last one is always stored", got, what)
				}
			})
		})
	}
}
