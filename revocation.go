package footfall

import (
	"context"
	"sync"
	"time"
)

// revocations are the archive's credential changes: what no copy of a session,
// however it came about, may go below.
type revocations struct {
	mu        sync.RWMutex
	cursor    int64
	sessions  map[string]revokedSession
	customers map[string]time.Time // customer → nothing authenticated before that time is valid
}

type revokedSession struct {
	version int64
	noted   time.Time
}

func newRevocations() *revocations {
	return &revocations{sessions: map[string]revokedSession{}, customers: map[string]time.Time{}}
}

// covers says that a record is below what has been revoked.
func (r *revocations) covers(rec *Record) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return rec.Version < r.sessions[rec.SessionID].version ||
		rec.CustomerID != "" && r.customers[rec.CustomerID].After(rec.AuthenticatedAt)
}

// coversCustomer says that a record's customer was revoked since.
func (r *revocations) coversCustomer(rec *Record) bool {
	return rec.CustomerID != "" && r.before(rec.CustomerID).After(rec.AuthenticatedAt)
}

// lowest is the lowest version of a session that counts.
func (r *revocations) lowest(sessionID string) int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sessions[sessionID].version
}

// before is the time before which nothing a customer authenticated is valid.
func (r *revocations) before(customerID string) time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.customers[customerID]
}

func (r *revocations) note(c CredentialChange, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.SessionID != "" && c.Version > r.sessions[c.SessionID].version {
		r.sessions[c.SessionID] = revokedSession{c.Version, at}
	}
	if c.CustomerID != "" && c.RevokedBefore.After(r.customers[c.CustomerID]) {
		r.customers[c.CustomerID] = c.RevokedBefore
	}
}

// forget drops what no live session can be older than.
func (r *revocations) forget(before time.Time) {
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

// followRevocations reads what was changed since the last time.
func (t *Tracker) followRevocations(ctx context.Context) error {
	t.revoked.mu.RLock()
	cursor := t.revoked.cursor
	t.revoked.mu.RUnlock()
	changes, cursor, err := t.archive.CredentialChanges(ctx, cursor)
	if err != nil {
		return err
	}
	at := now()
	for _, c := range changes {
		t.revoked.note(c, at)
	}
	t.revoked.mu.Lock()
	t.revoked.cursor = max(t.revoked.cursor, cursor)
	t.revoked.mu.Unlock()
	t.followed.Store(true)
	return nil
}
