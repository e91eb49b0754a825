// Package stage is what tests play on: a tracker on real stores that can fail.
//
// It owns a [Stage], a [Fleet] of several of them, a [Browser] that keeps cookies,
// and a small shop for that browser to visit.
// It promises that everything it starts lives in a directory of the test's own, and
// is stopped and checked when the test ends.
// It never asserts a rule of the project, and no package but tests imports it.
package stage
