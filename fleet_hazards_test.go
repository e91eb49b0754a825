package footfall_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/store"
)

// What a review of several instances found.

// An instance that holds a session, and has recorded nothing of it, must not put
// its old state over a newer login.
func TestFleet_StaleEntryHidesNoLogin(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"readonly", "emptied"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2)
			b := newBrowser(t, nil)
			f.on(0, b, "GET", "/")
			f.settle()
			f.on(1, b, "GET", "/peek") // instance 1 holds it, and has recorded nothing
			if how == "readonly" {
				for _, s := range f.instances {
					s.hot.readOnly.Store(true)
				}
			}
			if got := text(t, f.on(0, b, "POST", "/login/alice")); got != "ok" {
				t.Fatal(got)
			}
			id, cookie := sessionOf(t, b), b.cookie("session")
			f.settle()
			if how == "emptied" {
				_ = f.store.Delete(context.Background(), id)
			}
			time.Sleep(2500 * time.Millisecond) // instance 1 has read the feed
			if got := status(f.on(1, b, "GET", "/me")); got != http.StatusOK {
				t.Errorf("customer answered %d", got)
			}
			f.on(1, b, "GET", "/")
			if b.cookie("session") != cookie {
				t.Error("the customer's cookie was replaced")
			}
		})
	}
}

// Nobody who logged out comes back, whatever the hot store lost.
func TestFleet_LogoutOutlastsTheHotStore(t *testing.T) {
	t.Parallel()
	t.Run("emptied", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t, 2)
		b := newBrowser(t, nil)
		f.on(0, b, "POST", "/login/alice")
		f.on(1, b, "GET", "/")
		thief := b.with(b.cookie("session"))
		f.instances[1].archive.down.Store(true)
		f.on(1, b, "GET", "/")
		if got := text(t, f.on(0, b, "POST", "/logout")); got != "ok" {
			t.Fatal(got)
		}
		_ = f.store.Delete(context.Background(), sessionOf(t, thief))
		for _, s := range f.instances {
			s.hot.connects.Add(1)
		}
		if got := status(f.on(1, thief, "GET", "/me")); got != http.StatusServiceUnavailable {
			t.Errorf("emptied after logout, archive away: %d", got)
		}
		if f.hotViews(sessionOf(t, thief)) >= 0 {
			t.Error("the session was put back into the hot store")
		}
	})
	t.Run("snapshot_from_before_login", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t, 2)
		b := newBrowser(t, nil)
		f.on(0, b, "GET", "/")
		putBack := f.snapshot(sessionOf(t, b))
		f.on(0, b, "POST", "/login/alice")
		f.on(1, b, "GET", "/")
		f.settle()
		thief := b.with(b.cookie("session"))
		f.instances[1].archive.down.Store(true)
		if got := text(t, f.on(0, b, "POST", "/logout")); got != "ok" {
			t.Fatal(got)
		}
		putBack()
		if got := status(f.on(1, thief, "GET", "/me")); got != http.StatusServiceUnavailable {
			t.Errorf("snapshot from before login, after logout, archive away: %d", got)
		}
	})
	t.Run("snapshot_from_before_login_archive_there", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t, 2)
		b := newBrowser(t, nil)
		f.on(0, b, "GET", "/")
		putBack := f.snapshot(sessionOf(t, b))
		f.on(0, b, "POST", "/login/alice")
		f.on(1, b, "GET", "/")
		f.settle()
		thief := b.with(b.cookie("session"))
		f.on(0, b, "POST", "/logout")
		putBack()
		if got := status(f.on(1, thief, "GET", "/me")); got == http.StatusOK {
			t.Errorf("snapshot from before login, after logout: %d", got)
		}
	})
}

// An end is above every version that a clock which runs ahead can make.
func TestFleet_LogoutBeatsAClockThatIsAhead(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(0, b, "POST", "/login/alice")
	f.settle()
	thief := b.with(b.cookie("session"))
	id := sessionOf(t, b)
	// What a change on an instance whose clock is a minute ahead leaves.
	ctx := context.Background()
	doc, version, _, _, _ := f.store.Read(ctx, id)
	var d struct{ Series string }
	_ = json.Unmarshal(doc, &d)
	ahead := version + 60_000
	doc = bytes.Replace(doc, fmt.Appendf(nil, `"version":%d`, version), fmt.Appendf(nil, `"version":%d`, ahead), 1)
	if ok, err := f.store.Put(ctx, id, d.Series, doc, version, ahead, time.Hour); !ok || err != nil {
		t.Fatal(ok, err)
	}
	f.instances[1].hot.down.Store(true) // for the instance that logs out
	if got := text(t, f.on(1, b, "POST", "/logout")); got != "ok" {
		t.Fatal(got)
	}
	f.instances[1].hot.down.Store(false)
	time.Sleep(1500 * time.Millisecond)
	for i := range f.instances {
		if got := status(f.on(i, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("after logout instance %d answers %d", i, got)
		}
	}
}

// slowReads is an archive that takes writes at once.
type slowReads struct {
	*faultyArchive
	by time.Duration
}

func (s *slowReads) Session(ctx context.Context, id string) (store.Record, bool, error) {
	select {
	case <-time.After(s.by):
	case <-ctx.Done():
		return store.Record{}, false, ctx.Err()
	}
	return s.faultyArchive.Session(ctx, id)
}

// Slow reads of the archive say nothing of its writes.
func TestFleet_SlowReadsRefuseNoLogout(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0)
	s := &stage{t: t, dir: t.TempDir(), sqlite: f.sqlite}
	s.config = footfall.Config{Secrets: []string{testSecret}, JournalDir: s.dir + "/journal", JournalSync: footfall.SyncNever, Insecure: true, DisableJobs: true, StoreTimeout: 50 * time.Millisecond}
	s.archive = &faultyArchive{Archive: f.sqlite, shared: true}
	s.hot = &faultyHot{HotStore: f.store}
	c := s.config
	c.Hot, c.Archive = s.hot, &slowReads{s.archive, 80 * time.Millisecond}
	var err error
	if s.tracker, err = footfall.New(c); err != nil {
		t.Fatal(err)
	}
	defer s.tracker.Close(context.Background())
	site := s.site()
	b := newBrowser(t, site)
	b.do("POST", "/login/alice")
	gone := newBrowser(t, site)
	gone.do("GET", "/")
	s.settle()
	time.Sleep(200 * time.Millisecond)
	old := sessionOf(t, gone)
	refused := 0
	for range 10 {
		for range 6 { // what only the archive has
			_ = f.store.Delete(context.Background(), old)
			x := gone.with(gone.cookie("session"))
			x.do("GET", "/me")
		}
		bb := newBrowser(t, site)
		bb.do("POST", "/login/alice")
		if got := status(bb.do("POST", "/logout")); got != 200 {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("%d of 10 logouts refused though the archive takes writes at once", refused)
	}
}

// A superseded secret finds the visit for a moment only, on instances too that
// never see its successor.
func TestFleet_SupersededSecretEnds(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	old := b.with(b.cookie("session"))
	f.on(0, b, "POST", "/login/alice")
	f.on(1, old, "GET", "/")
	for range 26 {
		f.on(0, b, "GET", "/")
		f.on(1, old, "GET", "/peek")
		time.Sleep(500 * time.Millisecond)
	}
	if got := text(t, f.on(1, old, "GET", "/peek")); got != "none" {
		t.Errorf("13 s after its successor's first use a superseded secret still finds %q", got)
	}
	f.settle()
	before := f.instances[0].stored(sessionOf(t, b)).PageViews
	f.on(1, old, "GET", "/")
	f.settle()
	if after := f.instances[0].stored(sessionOf(t, b)).PageViews; after != before {
		t.Errorf("its page view was counted in the customer's session")
	}
}

// A logout that cannot find what to end is not answered with success.
func TestFleet_LogoutOfALoginOnItsWay(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	f.settle()
	f.instances[0].archive.down.Store(true)
	if got := text(t, f.on(0, b, "POST", "/login/alice")); got != "ok" {
		t.Fatal(got)
	}
	thief := b.with(b.cookie("session"))
	_ = f.store.Delete(context.Background(), sessionOf(t, b))
	got := status(f.on(1, b, "POST", "/logout"))
	f.instances[0].archive.down.Store(false)
	f.settle()
	time.Sleep(1500 * time.Millisecond)
	for i := range f.instances {
		if me := status(f.on(i, thief, "GET", "/me")); got == http.StatusOK && me == http.StatusOK {
			t.Errorf("logout was answered %d, and then the cookie is worth %d on instance %d", got, me, i)
		}
	}
}

// An event that nobody can attribute yet does not keep a process from ending.
func TestFleet_ClosesWithPendingEvents(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	s := f.instances[0]
	ghost := newStage(t, nil) // signs with the same secret; its session is in no store of the fleet
	b := newBrowser(t, ghost.site())
	b.do("GET", "/")
	f.on(0, b, "GET", "/")
	time.Sleep(600 * time.Millisecond)
	reads := s.archive.reads.Load()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := s.tracker.Close(ctx); err != nil {
		t.Error(err)
	}
	if n := s.archive.reads.Load() - reads; n > 20 {
		t.Errorf("closing asked the archive %d times", n)
	}
}

// A hot store that is full has no record of a newcomer, whose login goes to the
// archive.
func TestFleet_NewcomerLogsInWhileTheHotStoreIsFull(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	for _, s := range f.instances {
		s.hot.full.Store(true)
	}
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	if got := text(t, f.on(0, b, "POST", "/login/alice")); got != "ok" {
		t.Errorf("a login that the archive takes: %s", got)
	}
	for i := range f.instances {
		if got := text(t, f.on(i, b, "GET", "/me")); !strings.HasSuffix(got, " alice") {
			t.Errorf("instance %d answers the customer %q", i, got)
		}
	}
}

// One session can be ended while the hot store is away.
func TestFleet_SessionIsEndedWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(0, b, "POST", "/login/alice")
	f.settle()
	for _, s := range f.instances {
		s.hot.down.Store(true)
	}
	ended, err := f.instances[1].tracker.EndSession(context.Background(), sessionOf(t, b))
	if !ended || err != nil {
		t.Errorf("EndSession = %v, %v", ended, err)
	}
	for _, s := range f.instances {
		s.hot.down.Store(false)
	}
	for i := range f.instances {
		if got := status(f.on(i, b, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("after its session was ended, instance %d answers %d", i, got)
		}
	}
}

// While the hot store is away an instance that never saw a session asks the
// archive. If that says that it ended, this is certain: who comes with its cookie
// is a new visit, and its page views are counted.
func TestFleet_EndedSessionIsNewVisitWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	b := newBrowser(t, nil)
	f.on(0, b, "GET", "/")
	f.settle()
	before := sessionOf(t, b)
	if ended, err := f.instances[0].tracker.EndSession(context.Background(), before); !ended || err != nil {
		t.Fatal(ended, err)
	}
	f.instances[1].hot.down.Store(true)
	f.on(1, b, "GET", "/")
	after := sessionOf(t, b)
	f.instances[1].hot.down.Store(false)
	f.settle()
	if after == before || f.instances[1].stored(after).PageViews != 1 {
		t.Errorf("with the cookie of ended session %s a page view is of session %q", before, after)
	}
	if n := f.instances[1].count("events_unattributed"); n != 0 {
		t.Errorf("%d page views belong to nobody, though the archive knew", n)
	}
}
