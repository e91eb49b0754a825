// Package faults proves that a running shop is exact while things break around
// it. It builds the command, starts it as processes of their own, sends visitors
// at a fixed rate and breaks something: a process, a disk, a store, the clock.
// Then it compares what visitors were told with what is stored.
//
// It knows nothing of the code. What it expects comes from two records of its
// own: the ledger, which has every request that counts with its answer, and the
// register, which has every cookie with the customer behind it. The verdict is
// what an audit of these against the archive finds.
package faults
