package footfall_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// A fleet is several instances of one shop in one process: each has a journal of
// its own and its own ways to the shared hot store and archive, which can be cut.
type fleet struct {
	begin     func(footfall.Config) (*footfall.Tracker, error)
	t         testing.TB
	store     *memstore.Store
	sqlite    *sqlitearchive.Archive
	edit      func(*footfall.Config)
	instances []*stage
	sites     []http.Handler
}

func newFleet(t testing.TB, n int) *fleet {
	t.Helper()
	return newFleetWith(t, n, func(*footfall.Config) {})
}

func newFleetWith(t testing.TB, n int, edit func(*footfall.Config)) *fleet {
	t.Helper()
	return newFleetOn(t, n, footfall.New, edit)
}

func newFleetOn(t testing.TB, n int, begin func(footfall.Config) (*footfall.Tracker, error), edit func(*footfall.Config)) *fleet {
	t.Helper()
	f := &fleet{t: t, store: memstore.New(0), begin: begin, edit: edit}
	var err error
	if f.sqlite, err = sqlitearchive.Open(filepath.Join(t.TempDir(), "footfall.db"), sqlitearchive.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.sqlite.Close() })
	for range n {
		f.add(false)
	}
	return f
}

// add starts another instance, whose archive may be away.
func (f *fleet) add(archiveDown bool) *stage {
	f.t.Helper()
	s := &stage{t: f.t, dir: f.t.TempDir(), sqlite: f.sqlite}
	s.config = footfall.Config{
		Secrets: []string{testSecret}, JournalDir: filepath.Join(s.dir, "journal"), JournalSync: footfall.SyncNever,
		Insecure: true, DisableJobs: true, Logger: slog.New(slog.DiscardHandler), StoreTimeout: time.Second,
	}
	s.archive = &faultyArchive{Archive: f.sqlite, shared: true}
	s.archive.down.Store(archiveDown)
	s.hot = &faultyHot{HotStore: f.store}
	f.edit(&s.config)
	c := s.config
	c.Hot, c.Archive = s.hot, s.archive
	var err error
	if s.tracker, err = f.begin(c); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		s.archive.down.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.tracker.Close(ctx); err != nil {
			f.t.Error(err)
		}
	})
	f.instances = append(f.instances, s)
	f.sites = append(f.sites, s.site())
	return s
}

// on sends a browser's request through one instance.
func (f *fleet) on(i int, b *browser, method, target string) *http.Response {
	b.handler = f.sites[i]
	return b.do(method, target)
}

func (f *fleet) settle() {
	for _, s := range f.instances {
		s.settle()
	}
}

// hotViews is what the hot store shows as a session's page views; -1 if it does
// not have the session.
func (f *fleet) hotViews(id string) int64 {
	f.t.Helper()
	doc, _, views, _, err := f.store.Read(context.Background(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	if doc == nil {
		return -1
	}
	var session footfall.Session
	if err := json.Unmarshal(doc, &session); err != nil {
		f.t.Fatal(err)
	}
	return session.PageViews + views
}

// snapshot keeps a session's record of the hot store; put back, it is there as it
// was, and every instance has a new connection.
func (f *fleet) snapshot(id string) (putBack func()) {
	f.t.Helper()
	ctx := context.Background()
	doc, version, _, _, err := f.store.Read(ctx, id)
	if err != nil || doc == nil {
		f.t.Fatalf("the hot store has no session %s: %v", id, err)
	}
	return func() {
		f.t.Helper()
		if err := f.store.Delete(ctx, id); err != nil {
			f.t.Fatal(err)
		}
		if _, err := f.store.Put(ctx, id, "snapshot", doc, 0, version, time.Hour); err != nil {
			f.t.Fatal(err)
		}
		for _, s := range f.instances {
			s.hot.connects.Add(1)
		}
	}
}

func status(resp *http.Response) int {
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// soon polls until something is so.
func soon(t testing.TB, within time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not so that %s", within, what)
		}
	}
}
