package store

import (
	"context"
	"time"
)

// An Archive is the durable record of sessions, events, visitors and orders:
// the system of record. archivetest is its suite.
//
// All methods are safe for concurrent use and return soon after ctx is done.
//
// An archive that several machines append to should be a [Clock]. One that wraps
// another archive has a method Unwrap() Archive, so that what the inner one can do
// is found.
type Archive interface {
	Ledger
	Jobs

	// Check says whether the archive can be reached and is in order.
	Check(ctx context.Context) error

	// Close frees what the archive holds. A tracker never calls it: whoever opened
	// the archive closes it, after the tracker.
	Close() error
}

// A Ledger is the methods of an [Archive] that requests use, and the projector that
// stores the facts which follow from them.
//
// Facts come through the journals of one or more processes. Each journal is in
// order: in it a session's beginning comes before all else of that session, and
// every process that records something of a session appends its beginning too.
// Between journals there is no order: the same beginning, or a fact that another
// journal's fact supersedes, may come at any later time.
type Ledger interface {
	// Append stores a batch of facts in order and returns once they are durable:
	// in a replicated archive, once a majority has them. It is idempotent: facts
	// that are there already change nothing, in any batch. On an error some of the
	// batch may be stored. An error that wraps [ErrRejected] says that trying
	// again is useless, as for a fact that [CheckAmount] refuses.
	Append(ctx context.Context, facts []Fact) error

	// Shared reports whether several processes append to this archive. Then a control
	// fact, like a logout, is appended before its request is answered: the other
	// processes would not know of one in a journal on this process's disk.
	Shared() bool

	// Session reads one session with its credentials and values, ended or not.
	Session(ctx context.Context, id string) (Record, bool, error)

	// CustomerSessions lists a customer's latest sessions, newest first, at most
	// limit: none if limit is zero or less. It is for display: revocation does not
	// depend on it.
	CustomerSessions(ctx context.Context, customerID string, limit int) ([]Session, error)

	// Order reads one order, Refund one refund.
	Order(ctx context.Context, id string) (Order, bool, error)
	Refund(ctx context.Context, id string) (Refund, bool, error)

	// KnowsCustomer reports whether any session or order of a customer is there.
	KnowsCustomer(ctx context.Context, customerID string) (bool, error)

	// CredentialChanges reads one page of the feed of credential changes: what was
	// changed after a cursor, oldest first, at most limit changes. The first cursor is
	// 0: it stands before the first change that a session which is alive can need, so
	// that older ones are not read.
	//
	// In the feed are revocations of customers, and changes of sessions that have a
	// customer or had one. Nobody can be taken for the customer of a session that
	// never had one, and strangers could make the feed as long as they like.
	CredentialChanges(ctx context.Context, after int64, limit int) (ChangesPage, error)

	// RevokedBefore is the time before which nothing that a customer authenticated
	// counts, as the feed has it: zero if the customer was never revoked, or so long
	// ago that no session from before is alive.
	RevokedBefore(ctx context.Context, customerID string) (time.Time, error)
}

// Jobs are the methods of an [Archive] that background jobs use.
type Jobs interface {
	// ActiveVisitors counts the visitors seen since a time, SessionsBegun the
	// sessions begun since a time.
	ActiveVisitors(ctx context.Context, since time.Time) (int64, error)
	SessionsBegun(ctx context.Context, since time.Time) (int64, error)

	// ClaimSlot takes the right to run a job's slot. At most one caller gets true for a
	// slot, whether or not its job then succeeds; without an error, exactly one.
	ClaimSlot(ctx context.Context, job string, slot time.Time) (bool, error)

	// Purge deletes sessions that began before one time, with their events, and
	// visitors last seen before another; orders stay. An event of a session that is
	// not there, because it came after the session was deleted, is deleted too if
	// the session began before that time: [IDTime] says when. It deletes at most
	// limit of each and returns how many it did; call it again until that is 0.
	Purge(ctx context.Context, sessions, visitors time.Time, limit int) (int, error)
}

// A ChangesPage is a page of the feed of credential changes.
type ChangesPage struct {
	Changes []CredentialChange
	Next    int64 // the cursor to go on from
	Left    int64 // how many changes are behind Next; 0 at the end of the feed, and only there
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
