// Package timetext writes durations as people do in settings: 24h and 400d, where Go
// writes 24h0m0s and 9600h0m0s.
//
// What it writes is what the command reads. It never rounds.
package timetext

import (
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Of returns d in days if it is two or more whole ones, otherwise in hours, minutes and
// seconds, of which those that are zero are left out.
func Of(d time.Duration) string {
	if d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
