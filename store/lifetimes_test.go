package store

import (
	"testing"
	"time"
)

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
