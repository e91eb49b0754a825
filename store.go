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
// A document is a JSON object that comes back byte for byte, and belongs to
// nobody after a call: implementations copy what they keep and return what the
// caller may change. Where people can look at a record, as in Redis, a document
// whose last members are pageViews and lastSeenAt shows them with the merged
// activity.
//
// Activity belongs to a series, the run of counts that began from what the
// document says: a Put of the record's own series keeps what was merged, a Put
// of another starts from nothing. So counts that are in the document of a record
// that was made anew are not added to it once more.
//
// All methods are safe for concurrent use and return soon after ctx is done. An
// error means that the system failed, never that something is absent. A store
// that is reached over connections may have a method Connects() uint64, which
// counts those it made: when it grows, another server may be answering.
type HotStore interface {
	// Read returns a session's document, its version, and its merged activity:
	// the sum over writers of the page views given to Merge, and the latest
	// last-seen time in Unix milliseconds, 0 if none. Absent or expired: nil.
	Read(ctx context.Context, id string) (doc []byte, version, views, lastSeen int64, err error)

	// Put stores a document of the given version if the stored one is exactly
	// previous; previous 0 means that none may be there. It reports whether it
	// stored. An update never inserts. A ttl of zero or less deletes the record
	// instead. series is a short word of letters, digits and hyphens.
	Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (stored bool, err error)

	// Merge notes what one writer of a series has counted so far: the greatest
	// views of each writer and the greatest lastSeen win, in any order and however
	// often. The record lives at least ttl longer. Without a record of that series
	// it does nothing and returns false. writer is a word like series, with dots.
	Merge(ctx context.Context, id, series, writer string, views, lastSeen int64, ttl time.Duration) (merged bool, err error)

	// Delete removes a record, if it is there.
	Delete(ctx context.Context, id string) error
}

// An Archive is the durable record of sessions, events, visitors and orders:
// the system of record. archivetest is its suite.
//
// All methods are safe for concurrent use and return soon after ctx is done.
//
// Facts come through the journals of one or more processes. Each journal is in
// order: in it a session's beginning comes before all else of that session, and
// every process that records something of a session says its beginning again.
// Between journals there is no order: the same beginning, or a fact that another
// journal's fact supersedes, may come at any later time.
type Archive interface {
	// Append stores a batch of facts in order and returns once they are durable:
	// in a replicated archive, once a majority has them. It is idempotent: facts
	// that are there already change nothing, in any batch. On an error some of the
	// batch may be stored. An error that wraps [ErrRejected] says that trying
	// again is useless.
	Append(ctx context.Context, facts []Fact) error

	// Shared says that several processes append to this archive. Then a control
	// fact, like a logout, is appended before it is answered: a journal on one
	// process's disk would not be known to the others.
	Shared() bool

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
