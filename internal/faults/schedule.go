package faults

import (
	"slices"
	"strings"
	"time"
)

// Arrivals per second. The MongoDB-wire server of the tests can serve only few.
const (
	localRate  = 150
	sharedRate = 11
)

// The faults for each length of a run. The most important ones come first.
var (
	brief = []fault{killed, garbage}
	smoke = []fault{killed, terminated, archiveLocked, flippedTail, garbage, poisonByOrders, killedFull, clockYearsAhead, redisEmptied, instanceKilled, rolled}
	whole = []fault{
		killed, terminated, frozen, archiveLocked, killedBehind, tornTail, flippedTail, slowClients, cookieless, garbage, fatSessions, descriptors,
		archiveFull, journalFull, diskFull, diskFullPages, diskFullStalling, clockJumps, restartedInThePast,
		redisStopped, redisFrozen, redisSlow, redisEmptied, redisOld, redisOldAlone, redisCutOff, failover, mongodbStopped, mongodbFrozen, mongodbSlow, mongodbCutOff, bothStopped,
		instanceKilled, instanceFrozen, orphaned, rolled, clocksApart,
		poisonByOrders, poisonByFolds, feedFlood, fatInRedis, botFlood, loginFlood, mongodbFar, killedFull, clockYearsAhead,
	}
)

// A chosen list of faults, and the time that each takes with everything before
// and after it.
type choice struct {
	faults []fault
	each   time.Duration
}

// overhead is the time for starting servers, recovering and auditing, for each
// fault.
const overhead = 5 * time.Second

// schedule returns which faults fit into a length of time. If only is not empty,
// it lists parts of the names of the wanted faults, separated by |.
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
		for _, f := range faults {
			length -= f.more
		}
		each = max(each, length/time.Duration(max(1, len(faults)))-overhead)
	}
	return choice{faults, each}
}
