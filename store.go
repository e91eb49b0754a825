package footfall

import (
	"context"
	"errors"
	"time"
)

// ErrUnavailable means that a store failed, was too slow, or holds a record
// that only a newer version can read: the answer is not known. Serve 503 with
// Retry-After, and change nothing.
var ErrUnavailable = errors.New("footfall: cannot know: a store is unavailable")

// ErrRejected is wrapped by an [Archive] when it will never accept what it was
// given. Any other error of Append is tried again.
var ErrRejected = errors.New("footfall: rejected for good")

// A HotStore holds the live sessions that several processes share. Its types
// are basic ones so that an implementation needs nothing from this package;
// storetest is its suite.
//
// A document is opaque and belongs to nobody after a call: implementations copy
// what they keep and return what the caller may change. All methods are safe
// for concurrent use and return soon after ctx is done. An error means that the
// system failed, never that something is absent.
type HotStore interface {
	// Read returns a session's document, its version, and its merged activity:
	// the sum over writers of the page views given to Merge, and the latest
	// last-seen time in Unix milliseconds, 0 if none. Absent or expired: nil.
	Read(ctx context.Context, id string) (doc []byte, version, views, lastSeen int64, err error)

	// Put stores a document of the given version if the stored one is exactly
	// previous; previous 0 means that none may be there. It reports whether it
	// stored. An update never inserts. Activity is kept. A ttl of zero or less
	// deletes the record instead.
	Put(ctx context.Context, id string, doc []byte, previous, version int64, ttl time.Duration) (stored bool, err error)

	// Merge notes what one writer has counted so far: the greatest views of each
	// writer and the greatest lastSeen win, in any order and however often. The
	// record lives at least ttl longer. Without a record it does nothing.
	Merge(ctx context.Context, id, writer string, views, lastSeen int64, ttl time.Duration) error

	// Delete removes a record, if it is there.
	Delete(ctx context.Context, id string) error
}

// An Archive is the durable record of sessions, events, visitors and orders:
// the system of record. archivetest is its suite.
//
// All methods are safe for concurrent use and return soon after ctx is done.
type Archive interface {
	// Append stores a batch of facts in order and returns once they are durable.
	// It is idempotent: facts that are there already change nothing, in any
	// batch. On an error some of the batch may be stored. An error that wraps
	// [ErrRejected] says that trying again is useless.
	Append(ctx context.Context, facts []Fact) error

	// Session reads one session with its credentials and values, ended or not.
	Session(ctx context.Context, id string) (Record, bool, error)

	// CustomerSessions lists a customer's latest sessions, newest first, at most
	// limit. It is for display: revocation does not depend on it.
	CustomerSessions(ctx context.Context, customerID string, limit int) ([]Session, error)

	// Order reads one order.
	Order(ctx context.Context, id string) (Order, bool, error)

	// CredentialChanges returns what was changed after a cursor, oldest first,
	// and the cursor to go on from; the first cursor is 0.
	CredentialChanges(ctx context.Context, after int64) ([]CredentialChange, int64, error)

	// ActiveVisitors counts the visitors seen since a time, SessionsBegun the
	// sessions begun since a time.
	ActiveVisitors(ctx context.Context, since time.Time) (int64, error)
	SessionsBegun(ctx context.Context, since time.Time) (int64, error)

	// ClaimSlot takes the right to run a job's slot. Exactly one caller gets
	// true for a slot, whether or not it then succeeds.
	ClaimSlot(ctx context.Context, job string, slot time.Time) (bool, error)

	// Purge deletes sessions that began before one time, with their events, and
	// visitors last seen before another; orders stay. It deletes at most limit
	// of each and returns how many it did; call it again until that is 0.
	Purge(ctx context.Context, sessions, visitors time.Time, limit int) (int, error)

	// Check says whether the archive can be reached and is in order.
	Check(ctx context.Context) error

	Close() error
}

// A CredentialChange is a step of the archive's feed: either no version of a
// session below Version counts any more, or nothing that a customer
// authenticated before RevokedBefore.
type CredentialChange struct {
	SessionID     string
	Version       int64
	CustomerID    string
	RevokedBefore time.Time
}
