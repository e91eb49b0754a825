package footfall_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/store"
)

var errDown = errors.New("connection refused")

// faultyHot is a hot store that can be switched off.
type faultyHot struct {
	footfall.HotStore
	down     atomic.Bool
	readOnly atomic.Bool
	full     atomic.Bool // takes no new records
	reads    atomic.Int64
	connects atomic.Uint64
}

func (f *faultyHot) Connects() uint64 { return f.connects.Load() }

func (f *faultyHot) Read(ctx context.Context, id string) ([]byte, int64, int64, int64, error) {
	f.reads.Add(1)
	if f.down.Load() {
		return nil, 0, 0, 0, errDown
	}
	return f.HotStore.Read(ctx, id)
}

func (f *faultyHot) Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	if f.down.Load() || f.readOnly.Load() || f.full.Load() && previous == 0 {
		return false, errDown
	}
	return f.HotStore.Put(ctx, id, series, doc, previous, version, ttl)
}

func (f *faultyHot) Merge(ctx context.Context, id, series, writer string, views, lastSeen int64, ttl time.Duration) (bool, error) {
	if f.down.Load() || f.readOnly.Load() {
		return false, errDown
	}
	return f.HotStore.Merge(ctx, id, series, writer, views, lastSeen, ttl)
}

// faultyArchive is an archive that can be switched off, and counts what is read
// from it.
type faultyArchive struct {
	footfall.Archive
	down    atomic.Bool
	discard atomic.Bool            // Append succeeds and stores nothing
	rejects atomic.Pointer[string] // event type that is never stored
	reads   atomic.Int64
	shared  bool                          // it says so
	gate    atomic.Pointer[chan struct{}] // Append waits until it is closed
}

func (f *faultyArchive) Shared() bool { return f.shared }

func (f *faultyArchive) CredentialChanges(ctx context.Context, after int64) ([]store.CredentialChange, int64, error) {
	if f.down.Load() {
		return nil, after, errDown
	}
	return f.Archive.CredentialChanges(ctx, after)
}

func (f *faultyArchive) ClaimSlot(ctx context.Context, job string, slot time.Time) (bool, error) {
	if f.down.Load() {
		return false, errDown
	}
	return f.Archive.ClaimSlot(ctx, job, slot)
}

func (f *faultyArchive) Append(ctx context.Context, facts []store.Fact) error {
	if gate := f.gate.Load(); gate != nil {
		<-*gate
	}
	if f.down.Load() {
		return errDown
	}
	if f.discard.Load() {
		return nil
	}
	if bad := f.rejects.Load(); bad != nil {
		for _, fact := range facts {
			if e, ok := fact.(*store.EventRecorded); ok && e.EventType == *bad {
				return errors.Join(store.ErrRejected, errors.New("no such event type"))
			}
		}
	}
	return f.Archive.Append(ctx, facts)
}

func (f *faultyArchive) Session(ctx context.Context, id string) (store.Record, bool, error) {
	f.reads.Add(1)
	if f.down.Load() {
		return store.Record{}, false, errDown
	}
	return f.Archive.Session(ctx, id)
}

func (f *faultyArchive) Order(ctx context.Context, id string) (footfall.Order, bool, error) {
	if f.down.Load() {
		return footfall.Order{}, false, errDown
	}
	return f.Archive.Order(ctx, id)
}

func (f *faultyArchive) Check(ctx context.Context) error {
	if f.down.Load() {
		return errDown
	}
	return f.Archive.Check(ctx)
}
