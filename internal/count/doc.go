// Package count keeps counters under their names.
//
// It owns the set of all counters of a tracker. There is no list of them: each package
// makes its own counters with [Set.New], under the names by which operators know them.
// It promises that every counter is in [Set.All] from the moment it was made.
// It never forgets a count, except with the process.
package count
