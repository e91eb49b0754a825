// Package hot keeps this process's sessions in the hot store.
//
// It owns the document that stands for a session there, the queue of activity that
// has to be merged into it, and what is done when the hot store has lost it.
// It promises that page views are merged exactly once into the series of counts
// that they belong to, and that the count of a document that was lost is corrected to
// the archive's.
// It never decides whether a session may be believed, and never waits for the hot
// store longer than the caller allows.
package hot
