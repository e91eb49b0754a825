// Package footfalltest helps to test a shop that uses Footfall.
//
// [New] starts a real tracker with stores that last as long as the test, and
// [Tracker.Browser] is a visitor who keeps cookies, can be logged in and can have
// values in the session. What was recorded is read back with [Tracker.Events] and
// [Tracker.Orders]. [Run] does the same where time is the test's own: a visit can
// end after 30 minutes in a millisecond.
//
// It owns nothing but what it starts, and stops that when the test ends. It promises
// that what it returns has passed through the same code as in production. It never
// replaces a part of Footfall by a pretended one.
package footfalltest
