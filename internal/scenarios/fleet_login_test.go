package scenarios_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/stage"
)

func TestFleet_LoginIsSeenWithTheNextRequest(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	f.On(1, b, "GET", "/") // both hold the session as an anonymous one
	old := b.With(b.Cookie("session"))
	if got := stage.Text(t, f.On(0, b, "POST", "/login/alice")); got != "ok" {
		t.Fatal(got)
	}
	if got := stage.Text(t, f.On(1, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
		t.Errorf("after a login on one instance, the next request on another is answered %q", got)
	}
	if got := stage.Status(f.On(1, old, "GET", "/me")); got != http.StatusUnauthorized {
		t.Errorf("the cookie from before the login is worth %d on another instance", got)
	}
}

func TestFleet_LoginWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(s *stage.Stage, off bool){
		"down":      func(s *stage.Stage, off bool) { s.Hot.Down.Store(off) },
		"read_only": func(s *stage.Stage, off bool) { s.Hot.ReadOnly.Store(off) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := stage.NewFleet(t, 2)
			b, fresh := stage.NewBrowser(t, nil), stage.NewBrowser(t, nil)
			f.On(0, b, "GET", "/")
			f.On(1, b, "GET", "/")
			f.Settle()
			id := stage.SessionOf(t, b)
			for _, s := range f.Instances {
				cut(s, true)
			}
			for _, b := range []*stage.Browser{b, fresh} {
				if got := stage.Text(t, f.On(0, b, "POST", "/login/alice")); got != "ok" {
					t.Fatalf("a login that the archive takes: %s", got)
				}
			}
			if stage.SessionOf(t, b) != id {
				t.Error("the login began another session")
			}
			cookie := b.Cookie("session")
			if name == "read_only" { // what can be read is older than the login
				if got := stage.Text(t, f.On(1, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
					t.Errorf("a login that only the archive has is answered %q by another instance", got)
				}
			} else if got := stage.Status(f.On(1, b, "GET", "/me")); got != http.StatusServiceUnavailable {
				t.Errorf("without the hot store, a customer's route is %d", got)
			}
			for i := range f.Instances {
				f.On(i, b, "GET", "/")
			}
			if b.Cookie("session") != cookie {
				t.Error("the outage changed the cookie")
			}
			for _, s := range f.Instances {
				cut(s, false)
			}
			for i := range f.Instances {
				for _, b := range []*stage.Browser{b, fresh} {
					if got := stage.Text(t, f.On(i, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
						t.Errorf("after the outage the customer is answered %q by instance %d", got, i)
					}
				}
			}
		})
	}
}

// A hot store that is full has no record of a newcomer, whose login goes to the
// archive.
func TestFleet_NewcomerLogsInWhileTheHotStoreIsFull(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	for _, s := range f.Instances {
		s.Hot.Full.Store(true)
	}
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	if got := stage.Text(t, f.On(0, b, "POST", "/login/alice")); got != "ok" {
		t.Errorf("a login that the archive takes: %s", got)
	}
	for i := range f.Instances {
		if got := stage.Text(t, f.On(i, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
			t.Errorf("instance %d answers the customer %q", i, got)
		}
	}
}

// An instance that holds a session, and has recorded nothing of it, must not put
// its old state over a newer login.
func TestFleet_StaleEntryHidesNoLogin(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"readonly", "emptied"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f := stage.NewFleet(t, 2)
			b := stage.NewBrowser(t, nil)
			f.On(0, b, "GET", "/")
			f.Settle()
			f.On(1, b, "GET", "/peek") // instance 1 holds it, and has recorded nothing
			if how == "readonly" {
				for _, s := range f.Instances {
					s.Hot.ReadOnly.Store(true)
				}
			}
			if got := stage.Text(t, f.On(0, b, "POST", "/login/alice")); got != "ok" {
				t.Fatal(got)
			}
			id, cookie := stage.SessionOf(t, b), b.Cookie("session")
			f.Settle()
			if how == "emptied" {
				_ = f.Store.Delete(context.Background(), id)
			}
			time.Sleep(2500 * time.Millisecond) // instance 1 has read the feed
			if got := stage.Status(f.On(1, b, "GET", "/me")); got != http.StatusOK {
				t.Errorf("customer answered %d", got)
			}
			f.On(1, b, "GET", "/")
			if b.Cookie("session") != cookie {
				t.Error("the customer's cookie was replaced")
			}
		})
	}
}

// A superseded secret finds the visit for a moment only, on instances too that
// never see its successor.
func TestFleet_SupersededSecretEnds(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	old := b.With(b.Cookie("session"))
	f.On(0, b, "POST", "/login/alice")
	f.On(1, old, "GET", "/")
	for range 26 {
		f.On(0, b, "GET", "/")
		f.On(1, old, "GET", "/peek")
		time.Sleep(500 * time.Millisecond)
	}
	if got := stage.Text(t, f.On(1, old, "GET", "/peek")); got != "none" {
		t.Errorf("13 s after its successor's first use a superseded secret still finds %q", got)
	}
	f.Settle()
	before := f.Instances[0].Stored(stage.SessionOf(t, b)).PageViews
	f.On(1, old, "GET", "/")
	f.Settle()
	if after := f.Instances[0].Stored(stage.SessionOf(t, b)).PageViews; after != before {
		t.Errorf("its page view was counted in the customer's session")
	}
}
