package stage

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// Secret signs the cookies of every stage.
const Secret = "8rN3sPq0vXy2LwKcTz5uHb7mJd1eGf4a"

// A Stage is a tracker on real stores in a directory of the test's own.
type Stage struct {
	T       testing.TB
	Dir     string
	Config  footfall.Config // what the tracker is started with, without its stores
	Hot     *FaultyHot      // if it is set before Start it stays, as Redis outlives a process
	Archive *FaultyArchive
	SQLite  *sqlitearchive.Archive // what Archive stands before
	Tracker *footfall.Tracker
	begin   func(footfall.Config) (*footfall.Tracker, error)
}

// New starts a tracker. The function edit, which may be nil, changes its
// configuration before that.
func New(t testing.TB, edit func(*footfall.Config)) *Stage {
	t.Helper()
	return NewOn(t, footfall.New, edit)
}

// NewOn is New with a function that stands in for footfall.New, such as one that
// gives the tracker a faulty disk.
func NewOn(t testing.TB, begin func(footfall.Config) (*footfall.Tracker, error), edit func(*footfall.Config)) *Stage {
	t.Helper()
	s := &Stage{T: t, Dir: t.TempDir(), begin: begin}
	s.Config = config(s.Dir)
	if edit != nil {
		edit(&s.Config)
	}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// config is what every stage begins with.
func config(dir string) footfall.Config {
	return footfall.Config{
		Secrets: []string{Secret}, JournalDir: filepath.Join(dir, "journal"), JournalSync: footfall.SyncNever,
		Insecure: true, DisableJobs: true, Logger: slog.New(slog.DiscardHandler),
		StoreTimeout: time.Second, // the machine may be busy; what a budget does is tested apart
	}
}

// Start opens the archive and begins a tracker on it.
func (s *Stage) Start() {
	s.T.Helper()
	var err error
	if s.SQLite, err = sqlitearchive.Open(filepath.Join(s.Dir, "footfall.db"), sqlitearchive.Options{}); err != nil {
		s.T.Fatal(err)
	}
	s.Archive = &FaultyArchive{Archive: s.SQLite}
	if s.Hot == nil {
		s.Hot = &FaultyHot{HotStore: memstore.New(0)}
	}
	c := s.Config
	c.Hot, c.Archive = s.Hot, s.Archive
	if s.Tracker, err = s.begin(c); err != nil {
		s.T.Fatal(err)
	}
}

// Stop closes the tracker and its archive; the test fails if that is not clean.
func (s *Stage) Stop() {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Tracker.Close(ctx); err != nil {
		s.T.Error(err)
	}
	if err := s.Archive.Close(); err != nil {
		s.T.Error(err)
	}
}

// Restart ends the process's tracker and begins another on the same directory:
// what was in memory is gone, the hot store's content included.
func (s *Stage) Restart() {
	s.T.Helper()
	s.Stop()
	s.Hot = nil
	s.Start()
}

// Settle waits until the archive holds everything.
func (s *Stage) Settle() {
	s.T.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for s.Tracker.Status(context.Background()).JournalPending > 0 {
		if time.Now().After(deadline) {
			s.T.Fatal("the archive did not take what the journal holds within 10 s")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Stored settles and reads a session back from the archive.
func (s *Stage) Stored(id string) store.Record {
	s.T.Helper()
	s.Settle()
	rec, ok, err := s.Archive.Session(context.Background(), id)
	if err != nil || !ok {
		s.T.Fatalf("session %s is not in the archive (error %v)", id, err)
	}
	return rec
}

// Count reads a counter of the tracker's status.
func (s *Stage) Count(name string) uint64 {
	s.T.Helper()
	n, ok := s.Tracker.Status(context.Background()).Counts[name]
	if !ok {
		s.T.Fatalf("there is no counter %q", name)
	}
	return n
}

// Soon polls until something is so, and fails the test if it takes too long.
func Soon(t testing.TB, within time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not so that %s", within, what)
		}
	}
}
