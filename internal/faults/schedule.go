package faults

import (
	"strings"
	"time"
)

// Arrivals a second. The MongoDB-wire server of the tests takes few.
const (
	localRate  = 150
	sharedRate = 11
)

// The faults of each length. What has to be seen in a minute or two comes first.
var (
	brief = []fault{killed}
	smoke = []fault{killed, terminated, archiveLocked, flippedTail, diskFull, instanceKilled, rolled}
	whole = []fault{killed, terminated, archiveLocked, archiveFull, tornTail, flippedTail, journalFull, diskFull, instanceKilled, rolled}
)

// A chosen list of faults, and how long each takes with all that comes before
// and after.
type choice struct {
	faults []fault
	length func(fault) time.Duration
}

// overhead is what starting servers and auditing takes for each fault.
const overhead = 4 * time.Second

// schedule says what happens in a length of time. only, if it is not empty, is a
// part of the names of the faults that are wanted.
func schedule(length time.Duration, only string) choice {
	faults := brief
	switch {
	case length >= 5*time.Minute:
		faults = whole
	case length > 0:
		faults = smoke
	}
	if only != "" {
		faults = nil
		for _, f := range whole {
			if strings.Contains(f.name, only) {
				faults = append(faults, f)
			}
		}
	}
	each := 12 * time.Second
	if length > 0 {
		each = max(each, length/time.Duration(max(1, len(faults)))-overhead)
	}
	return choice{faults, func(fault) time.Duration { return each }}
}
