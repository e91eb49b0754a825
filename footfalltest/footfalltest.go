package footfalltest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// Secret signs the cookies of [New]'s tracker.
const Secret = "a secret for tests: it signs nothing that matters"

const patience = 10 * time.Second // for the archive to take what the journal holds

// A Tracker is a [footfall.Tracker] whose records can be read back.
type Tracker struct {
	*footfall.Tracker
	t        testing.TB
	recorded *recorder
}

// New starts a tracker for a test and closes it when the test ends. Its hot store is
// in memory, its archive and journal in the test's temporary directory. Each edit may
// change its configuration.
func New(t testing.TB, edits ...func(*footfall.Config)) *Tracker {
	t.Helper()
	dir := t.TempDir()
	archive, err := sqlitearchive.Open(filepath.Join(dir, "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tracker := &Tracker{t: t, recorded: &recorder{Archive: archive}}
	config := footfall.Config{
		Secrets: []string{Secret}, Hot: memstore.New(0), Archive: tracker.recorded,
		JournalDir: filepath.Join(dir, "journal"), JournalSync: footfall.SyncNever,
		Insecure: true, DisableJobs: true, StoreTimeout: time.Second, Logger: slog.New(slog.DiscardHandler),
	}
	for _, edit := range edits {
		edit(&config)
	}
	if tracker.Tracker, err = footfall.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := tracker.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := archive.Close(); err != nil {
			t.Error(err)
		}
	})
	return tracker
}

// Run runs f with a new tracker in a bubble of [testing/synctest]: time passes when
// f sleeps or calls [Tracker.Advance], and at once.
func Run(t *testing.T, f func(t *testing.T, tracker *Tracker), edits ...func(*footfall.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, New(t, edits...)) })
}

// Advance lets time pass, under [Run]. Elsewhere it waits that long.
func (tr *Tracker) Advance(d time.Duration) { time.Sleep(d) }

// Events are the events of all sessions so far, in the order in which they were
// recorded. It waits until the archive has them.
func (tr *Tracker) Events() []store.Event {
	tr.t.Helper()
	tr.settle()
	return tr.recorded.events()
}

// Orders are the orders so far, in the order in which they were placed. It waits
// until the archive has them.
func (tr *Tracker) Orders() []footfall.Order {
	tr.t.Helper()
	tr.settle()
	return tr.recorded.orders()
}

// Stored returns a session as the archive has it, and fails the test if there is
// none. It waits until the archive has everything.
func (tr *Tracker) Stored(sessionID string) footfall.Session {
	tr.t.Helper()
	tr.settle()
	rec, ok, err := tr.recorded.Session(context.Background(), sessionID)
	if err != nil || !ok {
		tr.t.Fatalf("the archive has no session %q (error: %v)", sessionID, err)
	}
	return rec.Session
}

func (tr *Tracker) settle() {
	tr.t.Helper()
	for deadline := time.Now().Add(patience); tr.Status(context.Background()).JournalPending > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tr.t.Fatalf("the archive did not take what was recorded within %v", patience)
		}
	}
}
