package faults

import (
	"slices"
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
	brief = []fault{killed, garbage}
	smoke = []fault{killed, terminated, archiveLocked, flippedTail, garbage, diskFull, clockJumps, redisEmptied, instanceKilled, rolled}
	whole = []fault{
		killed, terminated, frozen, archiveLocked, killedBehind, tornTail, flippedTail, slowClients, cookieless, garbage, descriptors,
		archiveFull, journalFull, diskFull, diskFullPages, diskFullStalling, clockJumps, restartedInThePast,
		redisStopped, redisFrozen, redisSlow, redisEmptied, redisOld, redisOldAlone, redisCutOff, failover, mongodbStopped, mongodbFrozen, mongodbSlow, mongodbCutOff, bothStopped,
		instanceKilled, instanceFrozen, orphaned, rolled, clocksApart,
	}
)

// A chosen list of faults, and how long each takes with all that comes before
// and after.
type choice struct {
	faults []fault
	each   time.Duration
}

// overhead is what starting servers, recovering and auditing takes for each fault.
const overhead = 5 * time.Second

// schedule says what happens in a length of time. only, if it is not empty, has
// parts of the names of the faults that are wanted, separated by |.
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
			if slices.ContainsFunc(strings.Split(only, "|"), func(part string) bool { return strings.Contains(f.name, part) }) {
				faults = append(faults, f)
			}
		}
	}
	each := 3 * time.Second
	if length > 0 {
		each = max(each, length/time.Duration(max(1, len(faults)))-overhead)
	}
	return choice{faults, each}
}
