//go:build race

package blackbox

// The binary is built like the tests: as the Makefile says, SQLite's translated code
// is not watched, because that makes everything ten times as slow.
var buildFlags = []string{"-race", "-gcflags=modernc.org/sqlite/lib=-race=false"}

const underRace = true
