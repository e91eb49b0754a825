//go:build !race

package blackbox

// The binary is built like the tests.
var buildFlags []string

const underRace = false
