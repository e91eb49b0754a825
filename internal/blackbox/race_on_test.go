//go:build race

package blackbox

// The binary is built like the tests.
var buildFlags = []string{"-race"}

const underRace = true
