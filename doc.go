// Package footfall is first-party session, visitor and conversion tracking for
// online storefronts.
//
// One middleware, [Tracker.Handler], recognises each visitor by two signed
// cookies, keeps their session through login and checkout, and records what
// they did. It takes the place of a session library and of a web-analytics
// system.
//
// # Which call to use
//
// Wrap the shop's handler with [Tracker.Handler]. Inside it:
//
//   - Routes that no page view should be counted for: [Tracker.Uncounted], or
//     [Tracker.Optional] if they should not even extend the session.
//   - Routes for customers alone: [Tracker.RequireCustomer].
//   - Who is here, to show it: [FromContext], which returns this process's copy
//     without reading the stores again. To decide by it: [Tracker.Customer] or [Tracker.Session],
//     which read the stores and can say that they do not know. Only the browser,
//     whoever is logged in: [Visitor].
//   - After a password check: [Tracker.Login]; and [Tracker.Logout]. After a change of
//     password: [Tracker.EndOtherSessions]. For an administrator:
//     [Tracker.CustomerSessions], [Tracker.KnowsCustomer], [Tracker.EndSession],
//     [Tracker.EndCustomerSessions].
//   - What the visitor did: [Tracker.Track]. A sale: [Tracker.PlaceOrder], and
//     [Tracker.Refund]. What is told outside of the visitor's request, by a payment
//     provider's webhook, the telephone or a queue: [Tracker.PlaceOrderFor] and
//     [Tracker.TrackFor], on handlers that are not wrapped.
//   - Something small that lasts as long as the session, a cart's id say:
//     [Tracker.SetValue], [Tracker.Value]; and [Tracker.UpdateValue] if the new value
//     depends on the old one.
//
// # What it will not do
//
// It checks no passwords, and keeps nothing that is larger than a few kilobytes in a
// session. It sends nothing to anyone: what it records stays in the shop's own
// stores. It counts no bots, prefetches, assets or failed requests as page views.
// It never sets a cookie for a request whose session it cannot look up.
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
//
// To test a shop that uses Footfall, use package footfalltest.
package footfall
