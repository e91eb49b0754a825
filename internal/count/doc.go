// Package count keeps counters and histograms under their names.
//
// It owns the set of all counters and histograms of a tracker. There is no list of them:
// each package makes its own with [Set.New] and [Set.Histogram], under the names by which
// operators know them, with a text that says what they mean.
// It promises that every counter is in [Set.All] from the moment it was made, and that
// counting takes no lock and allocates nothing.
// It never forgets a count, except with the process.
package count
