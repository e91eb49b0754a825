package live

import (
	"hash/maphash"
	"time"
)

// verified is a visitor cookie whose signature an earlier request of the session has
// verified. A request that sends the same cookie need not verify it again.
type verified struct {
	wire  uint64 // hashed as it was sent
	until int64  // its end, in Unix milliseconds
}

// seed makes hashes that nobody outside can foresee. The worst that two cookies
// with one hash can do is that a visitor keeps the wrong one.
var seed = maphash.MakeSeed()

// RememberVisitorCookie keeps the hash of a visitor cookie, as it was sent, that
// was verified, and its end.
func (e *Entry) RememberVisitorCookie(wire string, until time.Time) {
	e.visitorOK.Store(&verified{maphash.String(seed, wire), until.UnixMilli()})
}

// KnowsVisitorCookie reports whether a cookie is the one that was remembered, and
// not over. It takes no lock.
func (e *Entry) KnowsVisitorCookie(wire string, at time.Time) bool {
	c := e.visitorOK.Load()
	return c != nil && at.UnixMilli() < c.until && maphash.String(seed, wire) == c.wire
}
