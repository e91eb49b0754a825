// Package clock tells the time and makes the ids that begin with it.
//
// It owns the form in which times are stored (UTC, milliseconds) and the offset
// of this machine's clock from the archive's.
// It promises that ids of one process come in the order of their time, and that a
// time of this machine can be converted to the archive's clock once that was measured.
// It never decides anything by comparing times of two machines.
package clock
