package scenarios_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/store"
)

func TestFleet_LogoutIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	login := func(t *testing.T) (*stage.Fleet, *stage.Browser, *stage.Browser) {
		f := stage.NewFleet(t, 2)
		b := stage.NewBrowser(t, nil)
		f.On(0, b, "POST", "/login/alice")
		if got := stage.Status(f.On(1, b, "GET", "/me")); got != http.StatusOK {
			t.Fatalf("logged in on one instance, GET /me on another is %d", got)
		}
		return f, b, b.With(b.Cookie("session"))
	}
	t.Run("with_the_next_request", func(t *testing.T) {
		t.Parallel()
		f, b, thief := login(t)
		f.On(0, b, "POST", "/logout")
		if got := stage.Status(f.On(1, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("after a logout on one instance, the next request on another is %d", got)
		}
	})
	t.Run("after_an_old_snapshot", func(t *testing.T) {
		t.Parallel()
		f, b, thief := login(t)
		putBack := f.Snapshot(stage.SessionOf(t, b))
		f.On(0, b, "POST", "/logout")
		putBack()
		if got := stage.Status(f.On(1, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("with an old snapshot in the hot store, a session that was logged out is worth %d", got)
		}
	})
	t.Run("while_the_archive_is_away_after_an_old_snapshot", func(t *testing.T) {
		t.Parallel()
		f, b, thief := login(t)
		putBack := f.Snapshot(stage.SessionOf(t, b))
		f.Instances[1].Archive.Down.Store(true)
		f.On(0, b, "POST", "/logout")
		putBack()
		if got := stage.Status(f.On(1, thief, "GET", "/me")); got != http.StatusServiceUnavailable {
			t.Errorf("nobody can know whether a session of an old snapshot was logged out, but the answer is %d", got)
		}
	})
	t.Run("though_the_hot_store_does_not_take_it", func(t *testing.T) {
		t.Parallel()
		f, b, thief := login(t)
		f.Instances[0].Hot.Down.Store(true)
		if got := stage.Text(t, f.On(0, b, "POST", "/logout")); got != "ok" {
			t.Fatalf("a logout that the archive takes: %s", got)
		}
		if got := stage.Status(f.On(1, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("after a logout that the hot store did not take, the next request on another instance is %d", got)
		}
	})
	t.Run("or_it_is_503", func(t *testing.T) {
		t.Parallel()
		f, b, _ := login(t)
		f.Instances[0].Archive.Down.Store(true)
		if got := stage.Status(f.On(0, b, "POST", "/logout")); got != http.StatusServiceUnavailable || b.Cookie("session") == "" {
			t.Errorf("a logout that the archive does not take is %d, and the cookie is now %q", got, b.Cookie("session"))
		}
	})
}

// Nobody who logged out comes back, whatever the hot store lost.
func TestFleet_LogoutOutlastsTheHotStore(t *testing.T) {
	t.Parallel()
	t.Run("emptied", func(t *testing.T) {
		t.Parallel()
		f := stage.NewFleet(t, 2)
		b := stage.NewBrowser(t, nil)
		f.On(0, b, "POST", "/login/alice")
		f.On(1, b, "GET", "/")
		thief := b.With(b.Cookie("session"))
		f.Instances[1].Archive.Down.Store(true)
		f.On(1, b, "GET", "/")
		if got := stage.Text(t, f.On(0, b, "POST", "/logout")); got != "ok" {
			t.Fatal(got)
		}
		_ = f.Store.Delete(context.Background(), stage.SessionOf(t, thief))
		for _, s := range f.Instances {
			s.Hot.Connections.Add(1)
		}
		if got := stage.Status(f.On(1, thief, "GET", "/me")); got != http.StatusServiceUnavailable {
			t.Errorf("emptied after logout, archive away: %d", got)
		}
		if f.HotViews(stage.SessionOf(t, thief)) >= 0 {
			t.Error("the session was put back into the hot store")
		}
	})
	t.Run("snapshot_from_before_login", func(t *testing.T) {
		t.Parallel()
		f := stage.NewFleet(t, 2)
		b := stage.NewBrowser(t, nil)
		f.On(0, b, "GET", "/")
		putBack := f.Snapshot(stage.SessionOf(t, b))
		f.On(0, b, "POST", "/login/alice")
		f.On(1, b, "GET", "/")
		f.Settle()
		thief := b.With(b.Cookie("session"))
		f.Instances[1].Archive.Down.Store(true)
		if got := stage.Text(t, f.On(0, b, "POST", "/logout")); got != "ok" {
			t.Fatal(got)
		}
		putBack()
		if got := stage.Status(f.On(1, thief, "GET", "/me")); got != http.StatusServiceUnavailable {
			t.Errorf("snapshot from before login, after logout, archive away: %d", got)
		}
	})
	t.Run("snapshot_from_before_login_archive_there", func(t *testing.T) {
		t.Parallel()
		f := stage.NewFleet(t, 2)
		b := stage.NewBrowser(t, nil)
		f.On(0, b, "GET", "/")
		putBack := f.Snapshot(stage.SessionOf(t, b))
		f.On(0, b, "POST", "/login/alice")
		f.On(1, b, "GET", "/")
		f.Settle()
		thief := b.With(b.Cookie("session"))
		f.On(0, b, "POST", "/logout")
		putBack()
		if got := stage.Status(f.On(1, thief, "GET", "/me")); got == http.StatusOK {
			t.Errorf("snapshot from before login, after logout: %d", got)
		}
	})
}

// An end is above every version that a clock which runs ahead can make.
func TestFleet_LogoutBeatsAClockThatIsAhead(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "POST", "/login/alice")
	f.Settle()
	thief := b.With(b.Cookie("session"))
	id := stage.SessionOf(t, b)
	// What a change on an instance whose clock is a minute ahead leaves.
	ctx := context.Background()
	doc, version, _, _ := f.Store.Read(ctx, id)
	var d struct{ Series string }
	_ = json.Unmarshal(doc, &d)
	ahead := version + 60_000
	doc = bytes.Replace(doc, fmt.Appendf(nil, `"version":%d`, version), fmt.Appendf(nil, `"version":%d`, ahead), 1)
	if ok, err := f.Store.Put(ctx, id, d.Series, doc, version, ahead, time.Hour); !ok || err != nil {
		t.Fatal(ok, err)
	}
	f.Instances[1].Hot.Down.Store(true) // for the instance that logs out
	if got := stage.Text(t, f.On(1, b, "POST", "/logout")); got != "ok" {
		t.Fatal(got)
	}
	f.Instances[1].Hot.Down.Store(false)
	time.Sleep(1500 * time.Millisecond)
	for i := range f.Instances {
		if got := stage.Status(f.On(i, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("after logout instance %d answers %d", i, got)
		}
	}
}

// slowReads is an archive that takes writes at once.
type slowReads struct {
	*stage.FaultyArchive
	by time.Duration
}

func (s *slowReads) Session(ctx context.Context, id string) (store.Record, bool, error) {
	select {
	case <-time.After(s.by):
	case <-ctx.Done():
		return store.Record{}, false, ctx.Err()
	}
	return s.FaultyArchive.Session(ctx, id)
}

// Slow reads of the archive say nothing of its writes.
func TestFleet_SlowReadsRefuseNoLogout(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 0)
	s := &stage.Stage{T: t, Dir: t.TempDir(), SQLite: f.SQLite}
	s.Config = footfall.Config{Secrets: []string{stage.Secret}, JournalDir: s.Dir + "/journal", JournalSync: footfall.SyncNever, Insecure: true, DisableJobs: true, StoreTimeout: 50 * time.Millisecond}
	s.Archive = &stage.FaultyArchive{Archive: f.SQLite, IsShared: true}
	s.Hot = &stage.FaultyHot{HotStore: f.Store}
	c := s.Config
	c.Hot, c.Archive = s.Hot, &slowReads{s.Archive, 80 * time.Millisecond}
	var err error
	if s.Tracker, err = footfall.New(c); err != nil {
		t.Fatal(err)
	}
	defer s.Tracker.Close(context.Background())
	site := s.Site()
	b := stage.NewBrowser(t, site)
	b.Do("POST", "/login/alice")
	gone := stage.NewBrowser(t, site)
	gone.Do("GET", "/")
	s.Settle()
	time.Sleep(200 * time.Millisecond)
	old := stage.SessionOf(t, gone)
	refused := 0
	for range 10 {
		for range 6 { // what only the archive has
			_ = f.Store.Delete(context.Background(), old)
			x := gone.With(gone.Cookie("session"))
			x.Do("GET", "/me")
		}
		bb := stage.NewBrowser(t, site)
		bb.Do("POST", "/login/alice")
		if got := stage.Status(bb.Do("POST", "/logout")); got != 200 {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("%d of 10 logouts refused though the archive takes writes at once", refused)
	}
}

// A logout that cannot find what to end is not answered with success.
func TestFleet_LogoutOfALoginOnItsWay(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "GET", "/")
	f.Settle()
	f.Instances[0].Archive.Down.Store(true)
	if got := stage.Text(t, f.On(0, b, "POST", "/login/alice")); got != "ok" {
		t.Fatal(got)
	}
	thief := b.With(b.Cookie("session"))
	_ = f.Store.Delete(context.Background(), stage.SessionOf(t, b))
	got := stage.Status(f.On(1, b, "POST", "/logout"))
	f.Instances[0].Archive.Down.Store(false)
	f.Settle()
	time.Sleep(1500 * time.Millisecond)
	for i := range f.Instances {
		if me := stage.Status(f.On(i, thief, "GET", "/me")); got == http.StatusOK && me == http.StatusOK {
			t.Errorf("logout was answered %d, and then the cookie is worth %d on instance %d", got, me, i)
		}
	}
}

// One session can be ended while the hot store is away.
func TestFleet_SessionIsEndedWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(0, b, "POST", "/login/alice")
	f.Settle()
	for _, s := range f.Instances {
		s.Hot.Down.Store(true)
	}
	ended, err := f.Instances[1].Tracker.EndSession(context.Background(), stage.SessionOf(t, b))
	if !ended || err != nil {
		t.Errorf("EndSession = %v, %v", ended, err)
	}
	for _, s := range f.Instances {
		s.Hot.Down.Store(false)
	}
	for i := range f.Instances {
		if got := stage.Status(f.On(i, b, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("after its session was ended, instance %d answers %d", i, got)
		}
	}
}

func TestFleet_RevocationIsKnownWhenItReturns(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, nil)
	f.On(1, b, "POST", "/login/alice")
	checked := time.Now()
	if err := f.Instances[0].Tracker.EndCustomerSessions(context.Background(), "alice"); err != nil {
		t.Fatal(err)
	}
	if got := stage.Status(f.On(1, b, "GET", "/me")); got != http.StatusUnauthorized {
		t.Errorf("after a revocation on one instance, the next request on another is %d", got)
	}
	late := f.Instances[1].Tracker.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := f.Instances[1].Tracker.Login(r.Context(), "alice", checked); err == nil {
			t.Error("a login whose password check began before the revocation was granted on another instance")
		}
	}))
	stage.NewBrowser(t, late).Do("POST", "/")
}

// Whoever never logged in can begin and end sessions in a loop. What is committed to a
// shared archive itself, with a majority, delays the facts of everybody.
func TestFleet_LogoutOfAStrangerWaitsForNoArchive(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	stranger := stage.NewBrowser(t, nil)
	f.On(0, stranger, "GET", "/page")
	id := stage.SessionOf(t, stranger)
	f.Instances[0].Archive.Down.Store(true)
	if got := stage.Status(f.On(0, stranger, "POST", "/logout")); got != http.StatusOK && got != http.StatusNoContent {
		t.Errorf("the logout of a session that never had a customer, while the archive is away, is %d: it is committed to the journal, and waits for no archive", got)
	}
	f.Instances[0].Archive.Down.Store(false)
	var rec store.Record
	for range 200 {
		var err error
		if rec, _, err = f.Instances[0].Archive.Session(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if !rec.EndedAt.IsZero() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if rec.EndReason != store.EndLogout {
		t.Errorf("the session ended in the archive by %q, want %q: the journal carries the end", rec.EndReason, store.EndLogout)
	}
}
