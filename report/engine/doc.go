// Package engine computes reports.
//
// It owns how a figure follows from the visits and orders of a range, for every archive in
// the same way: an archive streams days (report.Source), and nothing else of it is asked.
// It promises that figures are exact, distinct visitors too, and as of what the archive
// held when it was read, day by day: of what is stored meanwhile, a visit may be in an answer
// and its order of another day not yet. Days are kept in memory as columns, up to a bound, and
// read again when the archive says that they changed. It writes nothing but the files in
// Options.Dir.
//
// What each figure means is in docs/metrics.md.
package engine
