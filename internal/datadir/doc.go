// Package datadir is about the directory that a running tracker and the footfall command
// share, DATA_DIR: its lock, and the file that says how to reach the process that runs
// there.
//
// It owns the lock, the file admin.json and its form. It promises that one process at a
// time has the lock, that the file is written whole and readable by its owner only, and
// that a file which a killed process left behind is never taken for one of a running
// process.
// It never opens the journal or the database in that directory.
package datadir
