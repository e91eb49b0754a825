package scenarios_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func handler(f func(context.Context)) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r.Context()) })
}

// visitOf is what a shop keeps of a browser's visit.
func visitOf(t *testing.T, s *stage.Stage, b *stage.Browser) (v footfall.Visit) {
	t.Helper()
	s.Tracker.Optional(handler(func(ctx context.Context) {
		session, ok := footfall.FromContext(ctx)
		if !ok {
			t.Error("the browser has no session")
		}
		v = footfall.Visit{SessionID: session.SessionID, VisitorID: session.VisitorID, CustomerID: session.CustomerID}
	})).ServeHTTP(newRecorder(), b.Request("GET", "/"))
	return v
}

const unknownID = "01970000-0000-7000-8000-00000000abcd"

func TestOrderFor_AVisitThatTheShopKept(t *testing.T) {
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	visit := visitOf(t, s, b)
	if o, before := tell(t, s.Tracker, footfall.Visit{SessionID: visit.SessionID}, "o"); before || o.SessionID != visit.SessionID || o.VisitorID != visit.VisitorID || o.CustomerID != "alice" {
		t.Errorf("the order of a visit is %+v, before %v; its session, visitor and customer are known by the session", o, before)
	}
	wantOneSale(t, s, visit.SessionID, "o", "alice", "of a kept visit")
	for name, c := range map[string]struct {
		visit footfall.Visit
		want  footfall.Visit
	}{
		"an unknown session": {footfall.Visit{SessionID: unknownID, VisitorID: visit.VisitorID, CustomerID: "guest-7"}, footfall.Visit{VisitorID: visit.VisitorID, CustomerID: "guest-7"}},
		"a telephone order":  {footfall.Visit{CustomerID: "guest-7"}, footfall.Visit{CustomerID: "guest-7"}},
		"nobody":             {footfall.Visit{}, footfall.Visit{}},
		"another customer":   {footfall.Visit{SessionID: visit.SessionID, CustomerID: "guest-7"}, footfall.Visit{SessionID: visit.SessionID, VisitorID: visit.VisitorID, CustomerID: "guest-7"}},
	} {
		o, _ := tell(t, s.Tracker, c.visit, name)
		if got := (footfall.Visit{SessionID: o.SessionID, VisitorID: o.VisitorID, CustomerID: o.CustomerID}); got != c.want {
			t.Errorf("the order of %s is of %+v, want %+v: it is kept with what is known, rather than lost", name, got, c.want)
		}
	}
}

func TestOrderFor_RefusesIdsThatNobodyGaveOut(t *testing.T) {
	s := stage.New(t, nil)
	for field, visit := range map[string]footfall.Visit{
		"Visit.SessionID":  {SessionID: "1"},
		"Visit.VisitorID":  {VisitorID: strings.ToUpper(unknownID)},
		"Visit.CustomerID": {CustomerID: strings.Repeat("x", 129)},
	} {
		_, _, err := s.Tracker.PlaceOrderFor(t.Context(), visit, footfall.OrderInput{ID: "o", Total: sale})
		trackErr := s.Tracker.TrackFor(t.Context(), visit, footfall.EventInput{Type: "mail_opened"})
		for _, err := range []error{err, trackErr} {
			if err == nil || !strings.Contains(err.Error(), field) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%+v: %v; an id that is none is refused with its field's name, in one line", visit, err)
			}
		}
	}
	if _, ok, err := s.Tracker.Order(t.Context(), "o"); ok || err != nil {
		t.Errorf("an order of a visit that was refused is there: %v, %v", ok, err)
	}
}

// A webhook may come after the buyer has left: the session is over, and is converted
// all the same, without coming to life again.
func TestOrderFor_ASessionThatIsOver(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, over := range []string{"by logout", "by time"} {
			synctest.Test(t, func(t *testing.T) {
				s := stage.New(t, nil)
				b := stage.NewBrowser(t, s.Site())
				b.Do("POST", "/login/alice")
				visit := visitOf(t, s, b)
				if over == "by logout" {
					b.Do("POST", "/logout")
				} else {
					time.Sleep(31 * time.Minute)
				}
				if restart {
					s.Restart()
					b.Handler = s.Site()
				}
				before := s.Stored(visit.SessionID)
				tell(t, s.Tracker, visit, "o")
				wantOneSale(t, s, visit.SessionID, "o", "alice", "after the session was over "+over)
				after := s.Stored(visit.SessionID)
				if !after.LastSeenAt.Equal(before.LastSeenAt) || !after.EndedAt.Equal(before.EndedAt) {
					t.Errorf("an order that was told after the session was over %s moved its last activity from %v to %v, its end from %v to %v", over, before.LastSeenAt, after.LastSeenAt, before.EndedAt, after.EndedAt)
				}
				if got := stage.Status(b.Do("GET", "/me")); got != http.StatusUnauthorized {
					t.Errorf("after an order was told the ended session's cookie is answered %d", got)
				}
			})
		}
	}
}

func TestOrderFor_IsNoActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		visit, seen := visitOf(t, s, b), time.Now()
		time.Sleep(10 * time.Minute)
		tell(t, s.Tracker, visit, "o")
		if rec := s.Stored(visit.SessionID); rec.LastSeenAt.After(seen) {
			t.Errorf("an order told by a webhook is taken for activity of the buyer, %v after the last", rec.LastSeenAt.Sub(seen))
		}
		if v := visitOf(t, s, b); v != visit {
			t.Errorf("the visit is %+v, was %+v", v, visit)
		}
		var shown footfall.Session
		s.Tracker.Optional(handler(func(ctx context.Context) { shown, _ = footfall.FromContext(ctx) })).ServeHTTP(newRecorder(), b.Request("GET", "/"))
		if !shown.Converted || shown.OrderID != "o" {
			t.Errorf("a live session that a webhook converted shows %v, %q in its context", shown.Converted, shown.OrderID)
		}
	})
}

// While no store can tell whether there is such a session, the order keeps it.
func TestOrderFor_WhileTheStoresAreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stage.NewFleet(t, 2)
		b := stage.NewBrowser(t, nil)
		f.On(1, b, "GET", "/")
		visit := visitOf(t, f.Instances[1], b)
		for _, s := range f.Instances { // the session's beginning is in the other one's journal
			s.Archive.Down.Store(true)
			s.Hot.Down.Store(true)
		}
		tell(t, f.Instances[0].Tracker, visit, "o")
		f.Instances[0].Archive.Down.Store(false)
		time.Sleep(5 * time.Second)
		f.Instances[0].Settle()
		for _, s := range f.Instances {
			s.Archive.Down.Store(false)
			s.Hot.Down.Store(false)
		}
		time.Sleep(5 * time.Second)
		f.Settle()
		wantOneSale(t, f.Instances[1], visit.SessionID, "o", "", "told before its session's beginning arrived")
	})
}

func TestTrackFor_RecordsInALiveSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("POST", "/login/alice")
		visit := visitOf(t, s, b)
		in := footfall.EventInput{Type: "mail_opened", ProductID: "p", Page: "/mail?token=secret"}
		for _, v := range []footfall.Visit{visit, {SessionID: visit.SessionID}} {
			if err := s.Tracker.TrackFor(t.Context(), v, in); err != nil {
				t.Errorf("an event of a visit that the shop kept: %v", err)
			}
		}
		s.Settle()
		events, err := s.SQLite.Events(t.Context(), visit.SessionID, 10)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range events {
			if e.EventType == "mail_opened" {
				n++
				if e.VisitorID != visit.VisitorID || e.ProductID != "p" || strings.Contains(e.Page, "secret") {
					t.Errorf("the event is %+v: of the session's visitor, as in Track", e)
				}
			}
		}
		if n != 2 {
			t.Errorf("%d of 2 events are recorded", n)
		}
		for name, v := range map[string]footfall.Visit{
			"no session": {}, "an unknown one": {SessionID: unknownID},
			"another visitor's": {SessionID: visit.SessionID, VisitorID: unknownID}, "another customer's": {SessionID: visit.SessionID, CustomerID: "bob"},
		} {
			if err := s.Tracker.TrackFor(t.Context(), v, in); !errors.Is(err, footfall.ErrNoSession) {
				t.Errorf("an event of %s: %v; want ErrNoSession", name, err)
			}
		}
		b.Do("POST", "/logout")
		if err := s.Tracker.TrackFor(t.Context(), visit, in); !errors.Is(err, footfall.ErrNoSession) {
			t.Errorf("an event of a session that has ended: %v; want ErrNoSession, because an event is activity", err)
		}
		s.Settle()
		if events, err := s.SQLite.Events(t.Context(), visit.SessionID, 10); err != nil || len(events) > 5 {
			t.Errorf("%d events, %v: what was refused is recorded", len(events), err)
		}
		if err := s.Tracker.TrackFor(t.Context(), visit, footfall.EventInput{Type: footfall.EventOrderCompleted}); err == nil || errors.Is(err, footfall.ErrNoSession) {
			t.Errorf("an order's event is accepted: %v", err)
		}
	})
}
