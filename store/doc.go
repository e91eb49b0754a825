// Package store is Footfall's vocabulary: sessions, events, orders, the facts
// that tell of them, and the two interfaces behind which they are kept.
//
// It owns the types that a [HotStore] and an [Archive] exchange with a tracker,
// and the one rule of when a session is over, [Lifetimes].
// It promises that each truth stands in one field: whose a session is, and
// whether it has ended, is in [Session] alone, and that a type says in its
// comment what its zero value means.
// It never talks to a database, starts a goroutine or reads a clock, and imports
// nothing of Footfall but the writing of JSON.
//
// Who writes a store or an archive needs this package and its suite, storetest or
// archivetest; who uses Footfall in a shop finds the types in package footfall.
package store
