// Package doubts judges values of settings that can be used but are most likely a
// mistake, such as a time-out of ten seconds where ten milliseconds were meant.
//
// It owns the bounds past which a value is doubted. It promises that the defaults, and
// what is usual in production, are never doubted, and it changes nothing.
package doubts

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/timetext"
)

// Values are the settings that are judged, with their defaults filled in. A negative
// NewSessionsPerMinute means that there is no cap.
type Values struct {
	StoreTimeout, IdleTimeout, MaxAge, VisitorTTL, JournalSync time.Duration
	NewSessionsPerMinute                                       int
	TrustedProxies                                             []netip.Prefix
	OwnHosts                                                   []string
}

// A Doubt is a field of the tracker's Config whose value is most likely a mistake, and
// what follows from it and what to do, in a sentence that goes on after a colon.
type Doubt struct{ Field, Says string }

// The bounds.
const (
	longWait     = 2 * time.Second // of a request for stores
	shortIdle    = time.Minute
	longSync     = 5 * time.Second
	fewSessions  = 60
	leastBits4   = 8 // 10.0.0.0/8 is the largest private network
	leastBits6   = 7 // and fc00::/7
	mostMeantMS  = 60_000
	mostMeantMin = 600
)

// Of returns what is doubted.
func Of(v Values) (all []Doubt) {
	doubt := func(field, format string, args ...any) {
		all = append(all, Doubt{field, fmt.Sprintf(format, args...)})
	}
	if v.StoreTimeout > longWait {
		doubt("StoreTimeout", "while a store does not answer, each request waits %s for it: %s", timetext.Of(v.StoreTimeout), meant(v.StoreTimeout, time.Second, time.Millisecond, mostMeantMS, "50ms is usual"))
	}
	if v.JournalSync > longSync {
		doubt("JournalSync", "a power cut loses what happened in the last %s: %s", timetext.Of(v.JournalSync), meant(v.JournalSync, time.Second, time.Millisecond, mostMeantMS, "100ms is usual"))
	}
	if v.IdleTimeout < shortIdle {
		doubt("IdleTimeout", "a session ends after %s without a request, and customers are logged out: %s", timetext.Of(v.IdleTimeout), meant(v.IdleTimeout, time.Second, time.Minute, mostMeantMin, "30m is usual"))
	}
	if v.MaxAge < v.IdleTimeout {
		doubt("MaxAge", "a session ends after %s whatever happens, so that the idle timeout of %s is never reached: make the one longer or the other shorter", timetext.Of(v.MaxAge), timetext.Of(v.IdleTimeout))
	}
	if v.VisitorTTL < v.MaxAge {
		doubt("VisitorTTL", "a visitor is forgotten after %s, while their session may last %s: 365d is usual", timetext.Of(v.VisitorTTL), timetext.Of(v.MaxAge))
	}
	if n := v.NewSessionsPerMinute; n > 0 && n < fewSessions {
		doubt("NewSessionsPerMinute", "of all the people behind one office or mobile network, %d a minute are counted, and the others get no session: 6000 is usual", n)
	}
	for _, p := range v.TrustedProxies {
		if p.IsValid() && (p.Addr().Is4() && p.Bits() < leastBits4 || p.Addr().Is6() && p.Bits() < leastBits6) {
			doubt("TrustedProxies", "%s contains visitors too, who can then choose the address they are recorded with: name your proxies' own networks", p)
		}
	}
	for _, host := range v.OwnHosts {
		if strings.ContainsAny(host, "/ @?#,") {
			doubt("OwnHosts", "%q is no host and matches nothing: use names like shop.example.com", host)
		}
	}
	return all
}

// meant asks whether the number was meant in another unit, or says what is usual.
func meant(d, given, other time.Duration, most int64, usual string) string {
	if n := int64(d / given); d%given == 0 && n > 0 && n <= most {
		return fmt.Sprintf("was %s meant?", timetext.Of(time.Duration(n)*other))
	}
	return usual
}
