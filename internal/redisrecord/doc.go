// Package redisrecord defines the form of a session's record in Redis, which is
// one string. The stores that reach Redis in different ways share it.
//
// A record is JSON that people can read with redis-cli. It is the document, in
// which the last members pageViews and lastSeenAt include the merged activity,
// with one more member:
//
//	"activity":"1 1767225600000 a1-2 3@2026-01-01T00:00:00.000Z 1767225660000 a1.7=2+5+1 b2.9=1+0+0"
//
// Its fields are: the format, the version and the series, which come first in
// every format; the document's own pageViews and lastSeenAt; the latest last-seen
// time that was merged; and the counts of each writer: page views, other events, orders.
// A document that does not
// end in those two members is left unchanged. Then the fourth field is a hyphen
// and, if white space follows the document, its length. A writer takes about 25
// bytes. A record holds [store.MaxWriters] of them: none is ever dropped, since its counts could be
// merged again and be counted twice, but one more is refused.
//
// Any other string, such as one that another program wrote, counts as a document
// of version 0 without activity. It is never replaced, only deleted.
package redisrecord
