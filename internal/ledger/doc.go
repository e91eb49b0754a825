// Package ledger makes up what happened in a shop, and adds it up by itself, so that tests
// compare every figure of every report with it.
//
// It owns the arithmetic of a ledger: maps and loops over visits and orders. It promises
// that the same seed makes the same facts. It never reads an archive, nor does it know of
// columns or UTC days.
package ledger
