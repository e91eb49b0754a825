// Package revoked knows which copies of a session no longer count, whichever store or
// process holds them.
//
// It owns the lowest version of each session that still counts, and the time
// before which nothing that a customer authenticated counts, and keeps both up to
// date from the archive's feed of changes, which it reads in pages.
// It promises that what was revoked through this process counts at once, and what
// another instance revoked after the next [Revoked.Follow].
// Its memory is bounded in bytes. What is dropped because there is too much is not
// forgotten: [Revoked.Doubts] names the records that it may concern, for which the
// archive has to be asked. Nothing else is dropped while a session that is as old can
// be alive.
package revoked
