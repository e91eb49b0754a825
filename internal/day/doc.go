// Package day says when the shop's day begins and ends.
//
// It owns the rule: a day begins at the first moment at which the clocks of the shop's
// time zone show its date, and ends where the next one begins.
// It promises that the days of a time zone follow each other without a gap or an overlap,
// whatever its clocks do: a day may begin at one o'clock, last 23 or 25 hours, contain an
// hour twice, or be left out of the calendar; such a day is empty.
// It never adds 24 hours to anything.
package day
