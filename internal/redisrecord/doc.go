// Package redisrecord is how a session's record lies in Redis: one string, which
// stores share that reach Redis in different ways.
//
// It is JSON for people with redis-cli: the document, whose last members
// pageViews and lastSeenAt show it with the merged activity, and one more member:
//
//	"activity":"1 1767225600000 a1-2 3@2026-01-01T00:00:00.000Z 1767225660000 a1.7=2 b2.9=1"
//
// These are the format, the version and the series, with which every format
// begins, the document's own pageViews and lastSeenAt, the latest last-seen time that was merged, and what each writer
// counted. A document that does not end in those two members is left as it is;
// then there is a hyphen instead of them, and the number of blanks, if any, that
// follow the document. A writer takes about 20 bytes. Their number has no bound:
// what a dropped one counted could be merged again, and be counted twice.
//
// A string that is not such a record, as another program writes it, is a document
// of version 0 without activity. It is never replaced, only deleted.
package redisrecord
