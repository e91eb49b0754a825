// Package legacy adopts sessions of the Express service that a shop may come from.
//
// That service signed a bare UUID as its session cookie, with the same secret, and
// kept the session under that id in the hot store. It owns the look for such a
// session, and the new one that takes its place.
// It promises that a session is adopted as one new session, also by several instances
// and after the hot store was put back to an earlier state, that all requests which a
// browser had under way get that session, and that whoever comes next finishes an
// adoption that was cut off.
// It never writes a session in the service's form. Who has no such service needs
// nothing of this package: it can be deleted with its one call in package request.
package legacy
