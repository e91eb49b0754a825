package store

import "errors"

// ErrUnavailable means that a store failed, was too slow, or holds a record
// that only a newer version can read: the answer is not known. Serve 503 with
// Retry-After, and change nothing.
var ErrUnavailable = errors.New("footfall: cannot know: a store is unavailable")

// ErrRefundTooLarge means that more of an order would be refunded than was paid.
var ErrRefundTooLarge = errors.New("footfall: more would be refunded than was paid")

// ErrNewer is wrapped by [HotStore.Read] when a newer version of Footfall wrote the
// record: what it says cannot be known, and the store has not failed. The record is
// left as it is.
var ErrNewer = errors.New("footfall: a newer version wrote this record")

// ErrRejected is wrapped by an [Archive] when it will never accept what it was
// given. Any other error of Append is tried again.
var ErrRejected = errors.New("footfall: rejected for good")

// ErrNoWrites is wrapped by a [HotStore] when the server answered that it takes no writes,
// because it is full or read-only: it is not away, and can be read.
var ErrNoWrites = errors.New("footfall: the store takes no writes")
