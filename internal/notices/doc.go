// Package notices finds out from a shop's requests what is probably wrong with how the
// shop is set up.
//
// It owns small counts of the latest sessions and page views. It promises a bounded
// memory, and that a request pays an atomic addition for a page view and a lock for a session
// that begins. It never changes what is recorded.
package notices
