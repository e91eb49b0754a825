package store

import "time"

// The limits of a session by default.
const (
	DefaultIdle     = 30 * time.Minute
	DefaultAbsolute = 24 * time.Hour
)

// Lifetimes are the two limits of a session. Whether a session is over is
// decided here and nowhere else, for every store, on each read. A limit of zero or
// less means its default.
type Lifetimes struct {
	Idle     time.Duration // since its last activity. Default: DefaultIdle, 30 minutes
	Absolute time.Duration // since it began. Default: DefaultAbsolute, 24 hours
}

// WithDefaults returns the limits in effect.
func (l Lifetimes) WithDefaults() Lifetimes {
	if l.Idle <= 0 {
		l.Idle = DefaultIdle
	}
	if l.Absolute <= 0 {
		l.Absolute = DefaultAbsolute
	}
	return l
}

// Deadline is when a session ends if nothing more happens, and why.
func (l Lifetimes) Deadline(s *Session) (time.Time, EndReason) {
	l = l.WithDefaults()
	idle, absolute := s.LastSeenAt.Add(l.Idle), s.StartedAt.Add(l.Absolute)
	if idle.Before(absolute) {
		return idle, EndIdle
	}
	return absolute, EndAbsolute
}

// Remaining is how long a session has to live at a time, 0 when it is over. It
// is also the TTL of a stored record.
func (l Lifetimes) Remaining(s *Session, now time.Time) time.Duration {
	if !s.EndedAt.IsZero() || l.isImpossible(s, now) {
		return 0
	}
	end, _ := l.Deadline(s)
	return max(end.Sub(now), 0)
}

// isImpossible reports whether a session began more than the absolute limit after now: a
// clock was wrong. Such a session is over, because it would otherwise live for as long as
// that clock was ahead. So none lives for more than twice the absolute limit, whatever
// clocks say.
func (l Lifetimes) isImpossible(s *Session, now time.Time) bool {
	return s.StartedAt.Sub(now) > l.WithDefaults().Absolute
}

// Ended returns the session with EndedAt and EndReason filled in if its idle or
// absolute deadline had passed by now. Such an end is derived on each read and never
// stored. The revocation of all of a customer's sessions is stored in those too that
// were over by then, because an archive does not know all limits: they ended at their
// deadline. A session that was ended in any other way is returned as it is.
func (l Lifetimes) Ended(s Session, now time.Time) Session {
	end, reason := l.Deadline(&s)
	over := s.EndedAt.IsZero() && !now.Before(end)
	overBefore := s.EndReason == EndRevoked && end.Before(s.EndedAt)
	if s.EndedAt.IsZero() && l.isImpossible(&s, now) {
		s.EndedAt, s.EndReason = s.StartedAt, EndAbsolute
		return s
	}
	if over || overBefore {
		s.EndedAt, s.EndReason = end, reason
	}
	return s
}

// AliveAt says whether a session was alive at a time, which may be before its
// latest activity.
func (l Lifetimes) AliveAt(s *Session, at time.Time) bool {
	if !s.EndedAt.IsZero() && !at.Before(s.EndedAt) {
		return false
	}
	end, _ := l.Deadline(s)
	return at.Before(end) && !l.isImpossible(s, at)
}
