package scenarios_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/sqlitearchive"
)

func TestCustomerSessions(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	site := s.Site()
	phone, laptop, other := stage.NewBrowser(t, site), stage.NewBrowser(t, site), stage.NewBrowser(t, site)
	for _, b := range []*stage.Browser{phone, laptop} {
		b.Do("GET", "/")
		b.Do("POST", "/login/alice")
	}
	other.Do("POST", "/login/bob")
	s.Settle()
	list := func() int {
		t.Helper()
		s.Settle()
		sessions, err := s.Tracker.CustomerSessions(context.Background(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		return len(sessions)
	}
	if n := list(); n != 2 {
		t.Fatalf("alice has %d sessions, not the 2 she logged in with", n)
	}
	alive := func(b *stage.Browser) bool { return b.Do("GET", "/me").StatusCode == http.StatusOK }

	if got := stage.Text(t, laptop.Do("POST", "/others")); got != "ok" {
		t.Fatal(got)
	}
	if !alive(laptop) || alive(phone) || !alive(other) {
		t.Error("ending all sessions but this one: this one goes on, the customer's others end, nobody else's do")
	}
	if n := list(); n != 1 {
		t.Errorf("then alice has %d sessions, not 1", n)
	}
	phone.Do("POST", "/login/alice")
	if ended, err := s.Tracker.EndSession(context.Background(), stage.SessionOf(t, phone)); err != nil || !ended {
		t.Errorf("EndSession: %v, %v", ended, err)
	}
	if alive(phone) || !alive(laptop) {
		t.Error("ending one session ends that one")
	}
	if err := s.Tracker.EndCustomerSessions(context.Background(), "alice"); err != nil {
		t.Fatal(err)
	}
	if alive(laptop) || !alive(other) {
		t.Error("ending a customer's sessions ends all of them and nobody else's")
	}
	s.Restart()
	laptop.Handler = s.Site()
	if alive(laptop) {
		t.Error("a revoked session came back with a restart")
	}
	laptop.Do("POST", "/login/alice")
	if !alive(laptop) {
		t.Error("after a revocation one can log in again")
	}
}

// Ending the customer's other sessions never ends this one's browser's, whatever
// it asks for at the same moment.
func TestEndOtherSessions_BesideOtherRequests(t *testing.T) {
	s := stage.New(t, nil)
	for i := range 10 {
		customer := fmt.Sprint("customer-", i)
		b := stage.NewBrowser(t, s.Site())
		b.Do("POST", "/login/"+customer)
		id := stage.SessionOf(t, b)
		var wg sync.WaitGroup
		for range 6 {
			r := b.Request("GET", "/")
			wg.Go(func() {
				if resp := b.With("").Send(r); strings.Contains(cookieNames(resp), "session") {
					t.Error("a request beside it was given another session")
				}
			})
		}
		b.Do("POST", "/others")
		wg.Wait()
		if got := stage.Text(t, b.Do("GET", "/me")); got != id+" "+customer {
			t.Fatalf("/me says %q", got)
		}
	}
}

// A change of password is no login.
func TestEndOtherSessions_IsNoLogin(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	id := stage.SessionOf(t, b)
	b.Do("POST", "/others")
	s.Settle()
	ev, _ := s.SQLite.Events(context.Background(), id, 10)
	n := 0
	for _, e := range ev {
		if e.EventType == footfall.EventCustomerLogin {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d customer_login events, counter %d", n, s.Count("logins"))
	}
}

// What was revoked just before a crash counts from the first request on.
func TestRevocation_IsKnownBeforeAnybodyIsLetInAfterAReplay(t *testing.T) {
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	s.Settle()
	s.Archive.Down.Store(true)
	if err := s.Tracker.EndCustomerSessions(context.Background(), "alice"); err != nil {
		t.Fatal(err)
	}
	shared := s.Hot.HotStore
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	_ = s.Tracker.Close(ctx)
	cancel()
	s.Archive.Close()
	var err error
	if s.SQLite, err = sqlitearchive.Open(filepath.Join(s.Dir, "footfall.db"), sqlitearchive.Options{}); err != nil {
		t.Fatal(err)
	}
	s.Archive = &stage.FaultyArchive{Archive: s.SQLite}
	s.Hot = &stage.FaultyHot{HotStore: shared}
	c := s.Config
	c.Hot, c.Archive = s.Hot, s.Archive
	if s.Tracker, err = footfall.New(c); err != nil {
		t.Fatal(err)
	}
	b.Handler = s.Site()
	resp := b.Do("GET", "/me")
	if resp.StatusCode == http.StatusOK {
		t.Errorf("a revoked customer is let in after the replay: %s", stage.Text(t, resp))
	}
}
