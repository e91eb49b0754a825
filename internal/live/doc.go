// Package live holds the sessions that this process is serving.
//
// It owns what is known of a session in memory, an [Entry], and the bounded
// [Table] of them; and it watches for sessions that one browser may have begun in
// parallel, [Siblings].
// It promises that an entry's state changes only under its own lock, that what a
// session has counted only grows, and that nothing is dropped from the table
// before it stands in the journal, the archive and the hot store as it should.
// It never does I/O, and never decides whether a session may be believed.
package live
