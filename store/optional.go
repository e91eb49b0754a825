package store

import (
	"context"
	"time"
)

// A Connector is a [HotStore] that is reached over connections.
type Connector interface {
	// Connects counts the connections that the store has made. When it grows, another
	// server may be answering, one that was restored or has taken over, so a tracker
	// reads what was revoked before it believes the next record with a customer.
	Connects() uint64
}

// A Checker is a [HotStore] that can say more of its state than that it answers.
type Checker interface {
	// Check returns nil if the store can be reached and will take writes, otherwise
	// what is wrong and what to do.
	Check(ctx context.Context) error
}

// A MetricsShower is a [HotStore] into which people look, as with redis-cli.
type MetricsShower interface {
	// SetMetrics writes the number of active users, and of the visits of a day in the
	// form 2006-01-02, where people find them.
	SetMetrics(ctx context.Context, activeUsers int64, day string, visits int64) error
}

// An Evictor is a [HotStore] of a bounded size, which drops sessions when it is full.
type Evictor interface {
	// Evicted counts the sessions that were dropped because the store was full.
	Evicted() uint64
}

// An InProcess is a [HotStore] in this process's memory, which ends with it and which no
// other program reads: a tracker gives it documents in a compact form instead of JSON, and
// knows that what it has was begun here, or read from the archive.
type InProcess interface {
	InProcess()
}

// A Clock is an [Archive] with a clock of its own, which is then that of the whole
// installation.
type Clock interface {
	// Now is the archive's time.
	Now(ctx context.Context) (time.Time, error)
}

// HotAs finds the first store in a chain of wrapped ones that has an optional
// interface: [Connector], [Checker], [Evictor], [InProcess] or [MetricsShower].
func HotAs[T any](s HotStore) (T, bool) {
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		wrapper, ok := s.(interface{ Unwrap() HotStore })
		if !ok {
			break
		}
		s = wrapper.Unwrap()
	}
	var none T
	return none, false
}

// ArchiveAs finds the first archive in a chain of wrapped ones that has an optional
// interface: [Clock].
func ArchiveAs[T any](a Archive) (T, bool) {
	for a != nil {
		if t, ok := a.(T); ok {
			return t, true
		}
		wrapper, ok := a.(interface{ Unwrap() Archive })
		if !ok {
			break
		}
		a = wrapper.Unwrap()
	}
	var none T
	return none, false
}
