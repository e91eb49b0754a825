// Package guard keeps requests from waiting for a store that does not answer.
//
// It owns the breakers of the hot store and the archive, the probes that close
// them, and how long a store may be waited for.
// It promises that a call behind an open breaker returns at once with an error,
// and that only calls that a request waits for are behind one.
// It never retries, and never turns a store's error into an absence.
package guard
