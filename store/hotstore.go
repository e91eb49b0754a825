package store

import (
	"context"
	"time"
)

// Activity is what a session did: as one writer counted it so far, or all of them.
type Activity struct {
	Views, Events, Orders int64 // page views; other events; orders
	LastSeen              int64 // in Unix milliseconds, 0 if unknown
}

// MaxWriters is how many writers a record holds at least.
const MaxWriters = 64

// A HotStore holds the live sessions that several processes share; storetest is its
// suite.
//
// A document is a JSON object, or anything for an [InProcess]. It comes back byte for
// byte, and belongs to nobody after a call: implementations copy what they keep and return what the
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
// error means that the system failed, never that something is absent. One that wraps
// [ErrNoWrites] says that the system answered, and takes no writes.
//
// A store that is reached over connections should be a [Connector]; it may be a
// [Checker] and a [MetricsShower]. One of a bounded size should be an [Evictor]. One in
// this process's memory may be an [InProcess]. One that wraps another store, to trace its calls
// say, has a method Unwrap() HotStore, so that what the inner one can do is found.
type HotStore interface {
	// Read returns a session's document, its version, and its merged activity:
	// the sums over writers of the counts given to Merge, and the latest
	// last-seen time. Absent or expired: nil.
	//
	// Whatever else is stored under the id, because another program wrote it or the
	// record was damaged, is a document of version 0 and no error: its bytes, or none,
	// but not nil. Put and Merge leave it alone, and Delete removes it. An error that
	// wraps [ErrNewer] says that a newer version wrote the record.
	Read(ctx context.Context, id string) (doc []byte, version int64, all Activity, err error)

	// Put stores a document of the given version if the stored one is exactly
	// previous; previous 0 means that none may be there. It reports whether it
	// stored. An update never inserts. A ttl of zero or less deletes the record
	// instead. series is a short word of letters, digits and hyphens.
	Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (stored bool, err error)

	// Merge notes what one writer of a series has counted so far: the greatest of
	// each of a writer's counts and the greatest LastSeen win, in any order and however
	// often. The record lives at least ttl longer. Without a record of that series
	// it does nothing and returns false; nor does it for one writer more than a record
	// holds, [MaxWriters] or somewhat more: the caller begins another series then. writer
	// is a word like series, with dots.
	Merge(ctx context.Context, id, series, writer string, a Activity, ttl time.Duration) (merged bool, err error)

	// Delete removes a record, if it is there.
	Delete(ctx context.Context, id string) error
}
