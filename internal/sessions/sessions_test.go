package sessions

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/internal/revoked"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

var errDown = errors.New("down")

// hotStore is a real one that can fail.
type hotStore struct {
	*memstore.Store
	err   error
	calls int
	late  func() // is called once, before what was read arrives

	refuses error // of Put
}

func (h *hotStore) Read(ctx context.Context, id string) ([]byte, int64, store.Activity, error) {
	if h.calls++; h.err != nil {
		return nil, 0, store.Activity{}, h.err
	}
	doc, version, all, err := h.Store.Read(ctx, id)
	if late := h.late; late != nil {
		h.late = nil
		late()
	}
	return doc, version, all, err
}

func (h *hotStore) Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	if err := cmp.Or(h.err, h.refuses); err != nil {
		return false, err
	}
	return h.Store.Put(ctx, id, series, doc, previous, version, ttl)
}

// archive is a real one that can fail.
type archive struct {
	*sqlitearchive.Archive
	err   error
	calls int // of Session
}

func (a *archive) Session(ctx context.Context, id string) (store.Record, bool, error) {
	if a.calls++; a.err != nil {
		return store.Record{}, false, a.err
	}
	return a.Archive.Session(ctx, id)
}

func (a *archive) RevokedBefore(ctx context.Context, customerID string) (time.Time, error) {
	if a.err != nil {
		return time.Time{}, a.err
	}
	return a.Archive.RevokedBefore(ctx, customerID)
}

type world struct {
	*Sessions
	hot     *hotStore
	archive *archive
	names   *live.Names
}

func open(t *testing.T) *world { return openWith(t, 0) }

// openWith is open with so much memory for what is revoked.
func openWith(t *testing.T, memory int64) *world {
	t.Helper()
	dir, lives, counts, log := t.TempDir(), store.Lifetimes{Idle: time.Hour, Absolute: 24 * time.Hour}, new(count.Set), slog.New(slog.DiscardHandler)
	db, err := sqlitearchive.Open(filepath.Join(dir, "a.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{hot: &hotStore{Store: memstore.New(0)}, archive: &archive{Archive: db}, names: live.NewNames()}
	hotGuard, archiveGuard, shared := guard.NewHot(w.hot, counts), guard.NewArchive(w.archive, counts), clock.NewShared(w.archive)
	out, err := outbox.Open(outbox.Options{
		Dir: filepath.Join(dir, "journal"), Sync: -2, Stall: 10 * time.Second,
		Archive: archiveGuard, Clock: shared, Lifetimes: lives, Counts: counts, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(out.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	w.Sessions = New(Options{
		Hot: hot.New(hotGuard, archiveGuard, out, lives, 100, 1<<30, counts), Archive: archiveGuard, Out: out,
		Revoked: revoked.New(w.archive, w.hot, revoked.Options{MaxAge: lives.Absolute, MaxBytes: memory, Counts: counts}), Clock: shared, Lifetimes: lives, Names: w.names, Live: 1000, LiveBytes: 1 << 30, Budget: 10 * time.Second,
		Counts: counts, Logger: log,
	})
	// Without its loops: what is appended stays in the journal.
	out.Start(t.Context(), outbox.Hooks{Follow: w.revoked.Follow, Replayed: func([]string) {}, Held: func(store.Fact) {}}, func(func(context.Context)) {})
	return w
}

func newToken() *cookie.Token { return &cookie.Token{ID: clock.NewID(), Secret: cookie.NewSecret()} }

// record is an anonymous session that has a token's secret.
func record(token *cookie.Token) store.Record {
	at := clock.Now()
	return store.Record{
		Session: store.Session{SessionID: token.ID.String(), VisitorID: clock.NewID().String(), StartedAt: at, LastSeenAt: at},
		Version: at.UnixMilli(), SecretHash: token.Secret.Hash(),
	}
}

// hold has this process hold a session, as it was read from the hot store at a time.
func (w *world) hold(id uuid.UUID, rec store.Record, readAt time.Time) {
	w.table.Add(live.Loaded(id, live.Document{Record: rec, Series: "s-1"}, readAt, store.Activity{}, true, w.names), 0)
}

// archived has the archive hold a session.
func (w *world) archived(t *testing.T, rec store.Record) {
	t.Helper()
	begun := rec
	begun.SetCredentials(store.Credentials{Version: rec.Version - 1, SecretHash: store.SecretHash{5}})
	facts := []store.Fact{&store.SessionBegun{Record: begun}, &store.CredentialsChanged{SessionID: rec.SessionID, Cred: rec.Credentials()}}
	if err := w.archive.Append(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
}

func (w *world) find(token *cookie.Token, purpose Purpose) (*live.Entry, Standing, error) {
	left := 10 * time.Second
	return w.Find(context.Background(), token, purpose, &left)
}
