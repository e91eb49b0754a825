package stage

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/store"
)

var _ footfall.Archive = (*FaultyArchive)(nil)

var errDown = errors.New("connection refused")

// A FaultyHot is a hot store that can be switched off.
type FaultyHot struct {
	footfall.HotStore
	Down        atomic.Bool   // neither answers nor takes anything
	ReadOnly    atomic.Bool   // answers, but takes nothing
	Full        atomic.Bool   // takes no new records
	Reads       atomic.Int64  // how often a session was asked for
	Connections atomic.Uint64 // what Connects says
}

// Connects says how often a connection was made: a test adds to it.
func (f *FaultyHot) Connects() uint64 { return f.Connections.Load() }

// Read fails while the store is down.
func (f *FaultyHot) Read(ctx context.Context, id string) ([]byte, int64, store.Activity, error) {
	f.Reads.Add(1)
	if f.Down.Load() {
		return nil, 0, store.Activity{}, errDown
	}
	return f.HotStore.Read(ctx, id)
}

// Put fails while the store is down, read-only, or full and the record is new.
func (f *FaultyHot) Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	if f.Down.Load() || f.ReadOnly.Load() || f.Full.Load() && previous == 0 {
		return false, errDown
	}
	return f.HotStore.Put(ctx, id, series, doc, previous, version, ttl)
}

// Merge fails while the store is down or read-only.
func (f *FaultyHot) Merge(ctx context.Context, id, series, writer string, a store.Activity, ttl time.Duration) (bool, error) {
	if f.Down.Load() || f.ReadOnly.Load() {
		return false, errDown
	}
	return f.HotStore.Merge(ctx, id, series, writer, a, ttl)
}

// A FaultyArchive is an archive that can be switched off, and counts what is read
// from it.
type FaultyArchive struct {
	footfall.Archive
	Down    atomic.Bool            // neither answers nor takes anything
	Discard atomic.Bool            // Append succeeds and stores nothing
	Rejects atomic.Pointer[string] // event type that is never stored
	Reads   atomic.Int64           // how often a session was asked for
	Checks  atomic.Int64           // how often it was asked how it is
	// FailsAfterKeepFirst: KeepFirst keeps, and says that it failed, as when its answer is lost.
	FailsAfterKeepFirst atomic.Bool
	IsShared            bool                          // what Shared says
	Gate                atomic.Pointer[chan struct{}] // Append waits until it is closed
	Waiting             atomic.Int64                  // how many calls of Append wait for it
	Feed                atomic.Pointer[func() error]  // is asked before each page of the feed of changes
}

// Shared says whether other instances have this archive too.
func (f *FaultyArchive) Shared() bool { return f.IsShared }

// CredentialChanges fails while the archive is down.
func (f *FaultyArchive) CredentialChanges(ctx context.Context, after int64, limit int) (store.ChangesPage, error) {
	if f.Down.Load() {
		return store.ChangesPage{Next: after}, errDown
	}
	if ask := f.Feed.Load(); ask != nil {
		if err := (*ask)(); err != nil {
			return store.ChangesPage{Next: after}, err
		}
	}
	return f.Archive.CredentialChanges(ctx, after, limit)
}

// RevokedBefore fails while the archive is down.
func (f *FaultyArchive) RevokedBefore(ctx context.Context, customerID string) (time.Time, error) {
	if f.Down.Load() {
		return time.Time{}, errDown
	}
	return f.Archive.RevokedBefore(ctx, customerID)
}

// KeepFirst fails while the archive is down.
func (f *FaultyArchive) KeepFirst(ctx context.Context, key, value string) (string, error) {
	if f.Down.Load() {
		return "", errDown
	}
	first, err := f.Archive.KeepFirst(ctx, key, value)
	if f.FailsAfterKeepFirst.Load() {
		return "", errDown
	}
	return first, err
}

// ClaimSlot fails while the archive is down.
func (f *FaultyArchive) ClaimSlot(ctx context.Context, job string, slot time.Time) (bool, error) {
	if f.Down.Load() {
		return false, errDown
	}
	return f.Archive.ClaimSlot(ctx, job, slot)
}

// Append waits, fails, refuses or discards, as the fields say.
func (f *FaultyArchive) Append(ctx context.Context, facts []store.Fact) error {
	if gate := f.Gate.Load(); gate != nil {
		f.Waiting.Add(1)
		<-*gate
		f.Waiting.Add(-1)
	}
	if f.Down.Load() {
		return errDown
	}
	if f.Discard.Load() {
		return nil
	}
	if bad := f.Rejects.Load(); bad != nil {
		for _, fact := range facts {
			if e, ok := fact.(*store.EventRecorded); ok && e.EventType == *bad {
				return errors.Join(store.ErrRejected, errors.New("no such event type"))
			}
		}
	}
	return f.Archive.Append(ctx, facts)
}

// Session is counted, and fails while the archive is down.
func (f *FaultyArchive) Session(ctx context.Context, id string) (store.Record, bool, error) {
	f.Reads.Add(1)
	if f.Down.Load() {
		return store.Record{}, false, errDown
	}
	return f.Archive.Session(ctx, id)
}

// Order fails while the archive is down.
func (f *FaultyArchive) Order(ctx context.Context, id string) (footfall.Order, bool, error) {
	if f.Down.Load() {
		return footfall.Order{}, false, errDown
	}
	return f.Archive.Order(ctx, id)
}

// Refund fails while the archive is down.
func (f *FaultyArchive) Refund(ctx context.Context, id string) (store.Refund, bool, error) {
	if f.Down.Load() {
		return store.Refund{}, false, errDown
	}
	return f.Archive.Refund(ctx, id)
}

// Refunded fails while the archive is down.
func (f *FaultyArchive) Refunded(ctx context.Context, orderID string) (int64, error) {
	if f.Down.Load() {
		return 0, errDown
	}
	return f.Archive.Refunded(ctx, orderID)
}

// Check fails while the archive is down.
func (f *FaultyArchive) Check(ctx context.Context) error {
	f.Checks.Add(1)
	if f.Down.Load() {
		return errDown
	}
	return f.Archive.Check(ctx)
}
