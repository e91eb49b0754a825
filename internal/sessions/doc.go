// Package sessions decides what a session is.
//
// It owns every decision about one: whether it may be believed, what a secret is
// worth, when others get to know it, how its credentials and values are replaced,
// how it ends, and which sessions are one browser's.
// It promises that an error is never taken for an absence, that credentials change
// only from one version to the next, and that an end is overtaken by nothing.
// It never sees a cookie or a response: what a browser is told, package request
// decides.
package sessions
