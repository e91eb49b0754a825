package scenarios_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// A stranger can begin a session and log out as often as he likes.
func TestFeed_HasNothingOfWhoNeverHadACustomer(t *testing.T) {
	t.Parallel()
	for _, down := range []bool{false, true} {
		f := stage.NewFleet(t, 2)
		for i := range 20 {
			b := stage.NewBrowser(t, f.Instances[i%2].Site())
			b.Do("GET", "/")
			f.Instances[0].Hot.Down.Store(down)
			f.Instances[1].Hot.Down.Store(down)
			b.Do("POST", "/logout")
			f.Instances[0].Hot.Down.Store(false)
			f.Instances[1].Hot.Down.Store(false)
		}
		f.Settle()
		page, err := f.Instances[0].Archive.CredentialChanges(t.Context(), 0, 100)
		if err != nil || len(page.Changes) > 0 {
			t.Errorf("after 20 logouts of strangers (hot store away: %v) the feed has %d changes, %v: every instance reads and keeps each of them, and a stranger can make as many as he likes", down, len(page.Changes), err)
		}
		if n := f.Instances[0].Count("sessions_ended") + f.Instances[1].Count("sessions_ended"); n != 20 {
			t.Errorf("%d sessions were ended, want 20", n)
		}
		b := stage.NewBrowser(t, f.Instances[0].Site())
		b.Do("POST", "/login/alice")
		b.Do("POST", "/logout")
		f.Settle()
		if page, err := f.Instances[0].Archive.CredentialChanges(t.Context(), 0, 100); err != nil || len(page.Changes) == 0 {
			t.Errorf("after a login and its logout the feed has %d changes, %v; want the end, for whoever has a copy of the login", len(page.Changes), err)
		}
	}
}

// Many changes of credentials in the archive make a start neither fail nor begin again.
func TestFeed_AStartBehindALongOneServesVisitorsAndGetsToItsEnd(t *testing.T) {
	const changes = 200_000
	s := stage.New(t, nil)
	alice, bob, visitor := stage.NewBrowser(t, s.Site()), stage.NewBrowser(t, s.Site()), stage.NewBrowser(t, s.Site())
	alice.Do("POST", "/login/alice")
	bob.Do("POST", "/login/bob")
	visitor.Do("GET", "/")
	s.Stop()
	path := filepath.Join(s.Dir, "footfall.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	const many = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO credential_changes (session_id, version, changed_at) SELECT printf('01970000-0000-7000-8000-%012x', i), ?, ? FROM n`
	const revoke = `INSERT INTO credential_changes (customer_id, revoked_before, changed_at) VALUES ('alice', ?, ?)`
	for _, insert := range []struct {
		query string
		args  []any
	}{{many, []any{changes, now, now}}, {revoke, []any{now + 1000, now}}} {
		if _, err := db.Exec(insert.query, insert.args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	if s.SQLite, err = sqlitearchive.Open(path, sqlitearchive.Options{}); err != nil {
		t.Fatal(err)
	}
	s.Archive = &stage.FaultyArchive{Archive: s.SQLite}
	var pages atomic.Int64 // that there is time for, as if then a timeout came
	feed := func() error {
		if pages.Add(-1) < 0 {
			return context.DeadlineExceeded
		}
		return nil
	}
	pages.Store(2)
	s.Archive.Feed.Store(&feed)
	c := s.Config
	c.Hot, c.Archive = s.Hot, s.Archive
	if s.Tracker, err = footfall.New(c); err != nil {
		t.Fatalf("the feed is longer than there was time for, and the start fails: %v. It has to go on beside requests", err)
	}
	site := s.Site()
	alice.Handler, bob.Handler, visitor.Handler = site, site, site

	st := s.Tracker.Status(t.Context())
	if st.CustomersKnown || st.Ready() || st.ChangesRead == 0 || st.ChangesRead+st.ChangesLeft < changes {
		t.Errorf("behind a feed of %d a start says: customers known %v, ready %v, read %d, left %d; want how far it is, and not ready", changes, st.CustomersKnown, st.Ready(), st.ChangesRead, st.ChangesLeft)
	}
	for name, b := range map[string]*stage.Browser{"alice": alice, "bob": bob} {
		cookie := b.Cookie("session")
		if resp := b.Do("GET", "/me"); resp.StatusCode != http.StatusServiceUnavailable || b.Cookie("session") != cookie {
			t.Errorf("before the feed was read, which may say that %s was revoked, /me answers %d, cookie unchanged: %v; want 503 and no cookie touched", name, resp.StatusCode, b.Cookie("session") == cookie)
		}
	}
	session := stage.SessionOf(t, visitor)
	if resp := visitor.Do("GET", "/"); resp.StatusCode != http.StatusOK || stage.SessionOf(t, visitor) != session {
		t.Errorf("a visitor who is no customer gets %d: only customers wait", resp.StatusCode)
	}
	if resp := stage.NewBrowser(t, site).Do("GET", "/"); resp.StatusCode != http.StatusOK || len(resp.Cookies()) == 0 {
		t.Errorf("a new visitor gets %d and %d cookies: only customers wait", resp.StatusCode, len(resp.Cookies()))
	}

	for range 2 {
		before := s.Tracker.Status(t.Context()).ChangesRead
		pages.Store(2)
		stage.Soon(t, 10*time.Second, fmt.Sprint("a reading that was cut off goes on behind change ", before), func() bool { return s.Tracker.Status(t.Context()).ChangesRead > before })
	}
	s.Archive.Feed.Store(nil)
	stage.Soon(t, 20*time.Second, "the feed was read", func() bool { return s.Tracker.Status(t.Context()).CustomersKnown })
	if st := s.Tracker.Status(t.Context()); st.ChangesRead > changes+10 || st.ChangesLeft != 0 || !st.Ready() {
		t.Errorf("at the end %d changes were read of %d, %d are left, ready %v: each is read once", st.ChangesRead, changes, st.ChangesLeft, st.Ready())
	}
	if got := stage.Text(t, bob.Do("GET", "/me")); got != stage.SessionOf(t, bob)+" bob" {
		t.Errorf("when the feed was read, /me says %q to bob, who was never revoked", got)
	}
	if resp := alice.Do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("alice, whom the last change of the feed revokes, gets %d, want 401", resp.StatusCode)
	}
}

// What cannot be known is not believed a moment later either.
func TestFeed_WhatCouldNotBeConfirmedIsNotBelievedByTheNextRequest(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, f.Instances[0].Site())
	b.Do("POST", "/login/alice")
	f.Settle()
	late := f.Add(true) // an instance that starts while the archive is away: it has not read the feed
	b.Handler = late.Site()
	for i := range 3 {
		if got := stage.Text(t, b.Do("GET", "/")); strings.HasSuffix(got, " alice") {
			t.Errorf("request %d: an instance that has not read the feed, which may revoke her, takes somebody for alice", i)
		}
	}
}
