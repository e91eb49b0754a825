package stage

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// A Fleet is several instances of one shop in one process: each has a journal of
// its own and its own ways to the shared hot store and archive, which can be cut.
type Fleet struct {
	T         testing.TB
	Store     *memstore.Store        // the hot store that they share
	SQLite    *sqlitearchive.Archive // the archive that they share
	Instances []*Stage
	Sites     []http.Handler // the shop of each instance
	begin     func(footfall.Config) (*footfall.Tracker, error)
	edit      func(*footfall.Config)
}

// NewFleet starts so many instances.
func NewFleet(t testing.TB, n int) *Fleet {
	t.Helper()
	return NewFleetWith(t, n, func(*footfall.Config) {})
}

// NewFleetWith is NewFleet with a change to the configuration of each instance.
func NewFleetWith(t testing.TB, n int, edit func(*footfall.Config)) *Fleet {
	t.Helper()
	return NewFleetOn(t, n, footfall.New, edit)
}

// NewFleetOn is NewFleetWith with a function that stands in for footfall.New.
func NewFleetOn(t testing.TB, n int, begin func(footfall.Config) (*footfall.Tracker, error), edit func(*footfall.Config)) *Fleet {
	t.Helper()
	f := &Fleet{T: t, Store: memstore.New(0), begin: begin, edit: edit}
	var err error
	if f.SQLite, err = sqlitearchive.Open(filepath.Join(t.TempDir(), "footfall.db"), sqlitearchive.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.SQLite.Close(); err != nil {
			t.Error(err)
		}
	})
	for range n {
		f.Add(false)
	}
	return f
}

// Add starts another instance, whose archive may be away.
func (f *Fleet) Add(archiveDown bool) *Stage {
	f.T.Helper()
	s := &Stage{T: f.T, Dir: f.T.TempDir(), SQLite: f.SQLite, begin: f.begin}
	s.Config = config(s.Dir)
	s.Archive = &FaultyArchive{Archive: f.SQLite, IsShared: true}
	s.Archive.Down.Store(archiveDown)
	s.Hot = &FaultyHot{HotStore: f.Store}
	f.edit(&s.Config)
	c := s.Config
	c.Hot, c.Archive = s.Hot, s.Archive
	var err error
	if s.Tracker, err = f.begin(c); err != nil {
		f.T.Fatal(err)
	}
	f.T.Cleanup(func() {
		s.Archive.Down.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Tracker.Close(ctx); err != nil {
			f.T.Error(err)
		}
	})
	f.Instances = append(f.Instances, s)
	f.Sites = append(f.Sites, s.Site())
	return s
}

// On sends a browser's request through one instance.
func (f *Fleet) On(i int, b *Browser, method, target string) *http.Response {
	b.Handler = f.Sites[i]
	return b.Do(method, target)
}

// Settle waits until the archive holds everything of every instance.
func (f *Fleet) Settle() {
	for _, s := range f.Instances {
		s.Settle()
	}
}

// HotViews is what the hot store shows as a session's page views; -1 if it does
// not have the session.
func (f *Fleet) HotViews(id string) int64 {
	f.T.Helper()
	doc, _, all, err := f.Store.Read(context.Background(), id)
	if err != nil {
		f.T.Fatal(err)
	}
	if doc == nil {
		return -1
	}
	var session footfall.Session
	if err := json.Unmarshal(doc, &session); err != nil {
		f.T.Fatal(err)
	}
	return session.PageViews + all.Views
}

// Snapshot keeps a session's record of the hot store; put back, it is there as it
// was, and every instance has a new connection.
func (f *Fleet) Snapshot(id string) (putBack func()) {
	f.T.Helper()
	ctx := context.Background()
	doc, version, _, err := f.Store.Read(ctx, id)
	if err != nil || doc == nil {
		f.T.Fatalf("the hot store has no session %s: %v", id, err)
	}
	return func() {
		f.T.Helper()
		if err := f.Store.Delete(ctx, id); err != nil {
			f.T.Fatal(err)
		}
		if _, err := f.Store.Put(ctx, id, "snapshot", doc, 0, version, time.Hour); err != nil {
			f.T.Fatal(err)
		}
		for _, s := range f.Instances {
			s.Hot.Connections.Add(1)
		}
	}
}
