package scenarios_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Seed defect 7.
func TestOutage_ErrorIsNotAbsence(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	site := s.Site()
	anonymous, customer := stage.NewBrowser(t, site), stage.NewBrowser(t, site)
	anonymous.Do("GET", "/")
	customer.Do("POST", "/login/alice")
	known := map[*stage.Browser]string{anonymous: anonymous.Cookie("session"), customer: customer.Cookie("session")}
	s.Restart() // this process holds nothing
	site = s.Site()
	s.Hot.Down.Store(true)
	s.Archive.Down.Store(true)
	for b, cookie := range known {
		b.Handler = site
		for _, path := range []string{"/", "/peek", "/missing"} {
			resp := b.Do("GET", path)
			if path == "/" && resp.StatusCode != http.StatusOK {
				t.Errorf("with the stores down a page is %d: tracking fails open", resp.StatusCode)
			}
			if len(resp.Cookies()) != 0 || b.Cookie("session") != cookie {
				t.Errorf("with the stores down GET %s set the cookies %v over a live session", path, resp.Cookies())
			}
		}
		if got := stage.Text(t, b.Do("POST", "/login/bob")); got == "ok" {
			t.Error("a login was granted though nobody can know whose session it is")
		}
	}
	if resp := stage.NewBrowser(t, site).Do("GET", "/"); cookieNames(resp) != "session visitor_id" {
		t.Errorf("a visitor with no cookie got %q: one still begins", cookieNames(resp))
	}
	s.Hot.Down.Store(false)
	s.Archive.Down.Store(false)
	if resp := customer.Do("GET", "/me"); resp.StatusCode != http.StatusOK {
		t.Errorf("after the outage the customer is logged out: %d", resp.StatusCode)
	}
}

// Seed defect 8.
func TestOutage_Is503Not401(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	s.Hot.Down.Store(true)
	s.Archive.Down.Store(true)
	for _, r := range []*http.Request{b.Request("GET", "/me"), b.Request("POST", "/logout")} {
		resp := b.Send(r)
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("with the stores down %s %s is %d", r.Method, r.URL.Path, resp.StatusCode)
		}
		if r.Method == "GET" && resp.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	if b.Cookie("session") == "" {
		t.Error("a logout that failed cleared the cookie")
	}
	s.Hot.Down.Store(false)
	s.Archive.Down.Store(false)
}

// Tracker.Session tells absence from error: while the stores cannot say, what this
// process remembers is no answer.
func TestOutage_AnErrorIsNoSession(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	var session footfall.Session
	var ok bool
	var err error
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = s.Tracker.Login(r.Context(), "anna", time.Now())
			return
		}
		session, ok, err = s.Tracker.Session(r.Context())
	}))
	b := stage.NewBrowser(t, h)
	b.Do("GET", "/")
	b.Do("POST", "/")
	if b.Do("GET", "/"); err != nil || !ok || session.CustomerID != "anna" {
		t.Fatalf("with all in order: %+v, %v, %v; want the customer's session", session, ok, err)
	}
	s.Hot.Down.Store(true)
	b.Do("GET", "/")
	if !errors.Is(err, footfall.ErrUnavailable) {
		t.Errorf("while the hot store fails the error is %v, want one that wraps ErrUnavailable", err)
	}
	if ok || session.CustomerID != "" {
		t.Errorf("while the hot store fails the session is %q of customer %q, want none beside the error", session.SessionID, session.CustomerID)
	}
}

// Seed defect 39.
func TestOutage_FailuresSurface(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	b.Do("GET", "/")
	before := s.Count("hot_errors") + s.Count("unresolved")
	s.Hot.Down.Store(true)
	s.Archive.Down.Store(true)
	if resp := b.Do("POST", "/logout"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a logout that could not be made sure reports %d", resp.StatusCode)
	}
	if after := s.Count("hot_errors") + s.Count("unresolved"); after == before {
		t.Error("the failure is in no counter")
	}
	s.Hot.Down.Store(false)
	s.Archive.Down.Store(false)
	bad := "bad_event"
	s.Archive.Rejects.Store(&bad)
	b.Do("POST", "/event/bad_event")
	b.Do("GET", "/after")
	rec := s.Stored(stage.SessionOf(t, b))
	if n := s.Count("facts_set_aside"); n != 1 || rec.PageViews != 2 {
		t.Errorf("a fact that the archive refuses: %d set aside, %d page views stored around it", n, rec.PageViews)
	}
	aside, err := os.ReadFile(filepath.Join(s.Dir, "journal", "set-aside", "records.jsonl"))
	if err != nil || len(aside) == 0 {
		t.Errorf("it was not kept for an operator to look at: %v", err)
	}
}

// A hot store that lost the latest second does not keep a session from changing.
func TestOutage_HotStoreLostItsLastSecond(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	ctx := context.Background()
	old, version, _, err := s.Hot.Read(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	b.Do("POST", "/login/alice")
	s.Settle()
	s.Restart() // the other instance: it holds nothing
	if _, err := s.Hot.Put(ctx, id, "old", old, 0, version, time.Hour); err != nil {
		t.Fatal(err)
	}
	b.Handler = s.Site()
	if got := stage.Text(t, b.Do("GET", "/me")); got != id+" alice" {
		t.Errorf("/me says %q", got)
	}
	if got := stage.Text(t, b.Do("POST", "/value/cart/1")); got != "ok" {
		t.Errorf("the session cannot be changed any more: %s", got)
	}
	if got := stage.Text(t, b.Do("POST", "/login/alice")); got != "ok" {
		t.Errorf("nobody can log in on it any more: %s", got)
	}
}
