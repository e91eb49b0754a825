// Package connection ends connections whose clients would hold them, or confuse them.
//
// It owns when a read or a write of a connection that a server accepted has waited for
// too long. It promises that a write ends within [Stall] for each 16 KiB of it, so that a
// client cannot hold a connection, and the handler behind it, by not reading; and that
// after [Listener.Drain] a connection waits for its client for at most [DrainWait] in
// all. An answer that is long, or an event stream, may take as long as it wants while it
// gets on. It owns, too, after which requests a connection is not used again,
// [CloseAfter], how large a request's header may be and that each connection gets its
// turn, [NewServer], and how much all connections together hold of requests that are not
// answered, and the kernel of answers, [Listen], also once a connection is closed and its
// client has not said that it has the rest of an answer.
// It never cuts a connection because of its age, nor a handler that is at work.
package connection
