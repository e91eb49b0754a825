// Package faults tests that a running shop stays exact while things around it
// break. It builds the command, runs it in separate processes, sends requests of
// visitors at a fixed rate and breaks something: a process, a disk, a store, the
// clock. Then it compares what visitors were told with what is stored.
//
// It does not use the code under test. What it expects comes from two records of
// its own: the ledger has every request that counts, with its answer; the
// register has every cookie, with the customer behind it. The verdict is the
// result of comparing these with the archive.
package faults
