// Package blackbox holds the tests that know nothing of the code: they build
// the command, run it as a process of its own, talk to it over HTTP as browsers
// do, kill it, and look at what is in the database afterwards. Each test is
// named for the rule that it holds.
package blackbox
