package revoked

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/store"
)

// FollowEvery is how often an instance reads the feed, and FollowedAfter when every
// instance has read a change that is in it.
const (
	FollowEvery   = time.Second
	FollowedAfter = FollowEvery + FollowEvery/2
)

// Revoked is safe for concurrent use.
type Revoked struct {
	feed     store.Ledger
	connects func() uint64 // connections that the hot store has made

	followed atomic.Bool   // the feed was read at least once
	lookedAt atomic.Uint64 // connections of the hot store when the feed was last read because of them

	mu        sync.RWMutex
	cursor    int64
	sessions  map[string]revokedSession
	customers map[string]time.Time // customer → nothing authenticated before that time counts
}

type revokedSession struct {
	version int64
	noted   time.Time
}

// New returns what was revoked according to an archive: nothing, until it is
// followed.
func New(feed store.Ledger, hot store.HotStore) *Revoked {
	r := &Revoked{feed: feed, connects: func() uint64 { return 0 }, sessions: map[string]revokedSession{}, customers: map[string]time.Time{}}
	if c, ok := store.HotAs[store.Connector](hot); ok {
		r.connects = c.Connects
	}
	return r
}

// Covers reports whether a record is below what has been revoked: an older version
// of its session, or authenticated before its customer was revoked.
func (r *Revoked) Covers(rec *store.Record) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return rec.Version < r.sessions[rec.SessionID].version || rec.CustomerID != "" && r.customers[rec.CustomerID].After(rec.AuthenticatedAt)
}

// CoversCustomer reports whether a record's customer was revoked since it was
// authenticated.
func (r *Revoked) CoversCustomer(rec *store.Record) bool {
	return rec.CustomerID != "" && r.Before(rec.CustomerID).After(rec.AuthenticatedAt)
}

// Lowest is the lowest version of a session that counts.
func (r *Revoked) Lowest(sessionID string) int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sessions[sessionID].version
}

// Before is the time before which nothing that a customer authenticated counts.
func (r *Revoked) Before(customerID string) time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.customers[customerID]
}

// Session records that no version of a session below one counts any more.
func (r *Revoked) Session(id string, version int64) {
	r.add(store.CredentialChange{SessionID: id, Version: version}, clock.Now())
}

// Customer records that nothing which a customer authenticated before a time
// counts any more.
func (r *Revoked) Customer(id string, before time.Time) {
	r.add(store.CredentialChange{CustomerID: id, RevokedBefore: before}, clock.Now())
}

func (r *Revoked) add(c store.CredentialChange, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.SessionID != "" && c.Version > r.sessions[c.SessionID].version {
		r.sessions[c.SessionID] = revokedSession{c.Version, at}
	}
	if c.CustomerID != "" && c.RevokedBefore.After(r.customers[c.CustomerID]) {
		r.customers[c.CustomerID] = c.RevokedBefore
	}
}

// Forget drops what was revoked before a time, when no session that is as old can
// be alive.
func (r *Revoked) Forget(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.sessions {
		if s.noted.Before(before) {
			delete(r.sessions, id)
		}
	}
	for id, at := range r.customers {
		if at.Before(before) {
			delete(r.customers, id)
		}
	}
}

// Follow reads what was changed since the last time.
func (r *Revoked) Follow(ctx context.Context) error {
	r.mu.RLock()
	cursor := r.cursor
	r.mu.RUnlock()
	changes, cursor, err := r.feed.CredentialChanges(ctx, cursor)
	if err != nil {
		return err
	}
	at := clock.Now()
	for _, c := range changes {
		r.add(c, at)
	}
	r.mu.Lock()
	r.cursor = max(r.cursor, cursor)
	r.mu.Unlock()
	r.followed.Store(true)
	return nil
}

// FollowIfReconnected reads the feed if that has never been done, or if the hot
// store has made a connection since the last time: a server that took over, or was
// restored, may hold sessions as they were before their end.
func (r *Revoked) FollowIfReconnected(ctx context.Context) error {
	connects := r.connects()
	if r.followed.Load() && connects == r.lookedAt.Load() {
		return nil
	}
	if err := r.Follow(ctx); err != nil {
		return err
	}
	r.lookedAt.Store(connects)
	return nil
}
