// Package footfall is first-party session, visitor and conversion tracking for
// online storefronts.
//
// One middleware, [Tracker.Handler], recognises each visitor by two signed
// cookies, keeps their session through login and checkout, and records what
// they did. A handler reads the session with [FromContext] and tells the
// tracker what happened with [Tracker.Login], [Tracker.Logout],
// [Tracker.Track], [Tracker.PlaceOrder] and [Tracker.SetValue].
//
// # Where things are kept
//
// A session that this process is serving is held in its memory. All live
// sessions are in the [HotStore], where several processes share them, and
// everything that ever happened is in the [Archive]. What a request records is
// written to a journal on the local disk before the first byte of the answer,
// and carried to the archive a moment later; so a crash of the process loses
// nothing that was answered, and no page view waits for the archive.
//
// # Errors
//
// An error is not an absence. While a store cannot say whether a cookie's
// session is alive, tracking fails open (the handler runs, without a session)
// and authentication fails closed ([Tracker.RequireCustomer] answers 503).
// Methods that could not find out return an error for which
// errors.Is(err, [ErrUnavailable]) holds.
package footfall
