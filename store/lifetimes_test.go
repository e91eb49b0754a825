package store

import (
	"testing"
	"time"
)

func TestLifetimes_ARevocationEndsOnlyWhatIsAlive(t *testing.T) {
	began := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	revoked := began.Add(40 * 24 * time.Hour)
	for name, c := range map[string]struct {
		s      Session
		endsAt time.Time
		why    EndReason
	}{
		"idle since long before": {Session{StartedAt: began, LastSeenAt: began.Add(time.Hour), EndedAt: revoked, EndReason: EndRevoked}, began.Add(time.Hour + DefaultIdle), EndIdle},
		"too old before":         {Session{StartedAt: began, LastSeenAt: began.Add(DefaultAbsolute - time.Second), EndedAt: revoked, EndReason: EndRevoked}, began.Add(DefaultAbsolute), EndAbsolute},
		"alive":                  {Session{StartedAt: revoked.Add(-time.Hour), LastSeenAt: revoked.Add(-time.Minute), EndedAt: revoked, EndReason: EndRevoked}, revoked, EndRevoked},
		"logged out":             {Session{StartedAt: began, LastSeenAt: began, EndedAt: revoked, EndReason: EndLogout}, revoked, EndLogout},
	} {
		if got := (Lifetimes{}).Ended(c.s, revoked.Add(time.Hour)); !got.EndedAt.Equal(c.endsAt) || got.EndReason != c.why {
			t.Errorf("%s: a revocation shows an end at %v (%s), want %v (%s): only what is alive ends by it", name, got.EndedAt, got.EndReason, c.endsAt, c.why)
		}
	}
}

func TestLifetimes_WithoutLimitsHaveTheDefaults(t *testing.T) {
	began := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	for _, l := range []Lifetimes{{}, {Idle: -1, Absolute: -1}, {Idle: DefaultIdle}, {Absolute: DefaultAbsolute}} {
		for _, c := range []struct {
			seen, end time.Duration
			why       EndReason
		}{{0, 30 * time.Minute, EndIdle}, {10 * time.Hour, 10*time.Hour + 30*time.Minute, EndIdle}, {24*time.Hour - time.Minute, 24 * time.Hour, EndAbsolute}} {
			s := Session{StartedAt: began, LastSeenAt: began.Add(c.seen)}
			if end, why := l.Deadline(&s); !end.Equal(began.Add(c.end)) || why != c.why {
				t.Errorf("with %+v a session last seen after %v ends %v after it began (%s), want %v (%s): a limit that is not set is its default", l, c.seen, end.Sub(began), why, c.end, c.why)
			}
			if alive := s.LastSeenAt.Add(time.Second); l.Remaining(&s, alive) <= 0 || !l.AliveAt(&s, alive) || !l.Ended(s, alive).EndedAt.IsZero() {
				t.Errorf("with %+v a session is over a second after its last activity", l)
			}
		}
	}
}

// A clock that is years ahead makes no session that lives for years.
func TestLifetimes_ASessionOfTheFarFutureIsOver(t *testing.T) {
	l := Lifetimes{Idle: 30 * time.Minute, Absolute: 24 * time.Hour}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for ahead, alive := range map[time.Duration]bool{0: true, time.Hour: true, 24 * time.Hour: true, 24*time.Hour + 1: false, 3 * 365 * 24 * time.Hour: false} {
		s := Session{StartedAt: now.Add(ahead), LastSeenAt: now.Add(ahead)}
		if l.AliveAt(&s, now) != alive || (l.Remaining(&s, now) > 0) != alive || l.Ended(s, now).EndedAt.IsZero() != alive {
			t.Errorf("a session that began %v from now: alive %v, remaining %v, shown as ended %v; want alive: %v", ahead, l.AliveAt(&s, now), l.Remaining(&s, now), l.Ended(s, now).EndedAt, alive)
		}
		if most := 2 * l.Absolute; l.Remaining(&s, now) > most {
			t.Errorf("a session that began %v from now lives for %v more, want %v at most", ahead, l.Remaining(&s, now), most)
		}
	}
}
