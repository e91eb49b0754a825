package clock

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/store"
)

const (
	minOffset  = time.Second     // a smaller offset is the way to the archive and back
	clampAhead = 5 * time.Second // how far ahead of the archive's clock a stored time may be
)

// MaxOffset is the largest offset from the archive's clock with which anything may
// be deleted by age.
const MaxOffset = time.Minute

// A Shared clock knows how far this machine's clock is ahead of the archive's,
// which is that of the whole installation. Its methods are safe for concurrent
// use.
type Shared struct {
	archive store.Clock // nil: the archive has no clock, so there is no offset
	ahead   atomic.Int64
}

// NewShared returns the clock that an archive shares with others. Until the first
// [Shared.Measure] it is this machine's.
func NewShared(a store.Archive) *Shared {
	archive, _ := store.ArchiveAs[store.Clock](a)
	return &Shared{archive: archive}
}

// Measure finds out how far this machine's clock is ahead of the archive's: 0 if
// the archive has none.
func (s *Shared) Measure(ctx context.Context) (time.Duration, error) {
	if s.archive == nil {
		return 0, nil
	}
	began := time.Now()
	theirs, err := s.archive.Now(ctx)
	if err != nil {
		return 0, err
	}
	ahead := began.Add(time.Since(began) / 2).Sub(theirs)
	if ahead.Abs() < minOffset {
		ahead = 0
	}
	s.ahead.Store(int64(ahead.Truncate(time.Millisecond)))
	return ahead, nil
}

// FromLocal converts a time of this machine's clock to the shared clock's.
func (s *Shared) FromLocal(at time.Time) time.Time {
	return at.Add(-time.Duration(s.ahead.Load()))
}

// Latest is the latest time that may be stored, if this machine's clock runs so
// far ahead that there is a limit.
func (s *Shared) Latest() (latest time.Time, limited bool) {
	if time.Duration(s.ahead.Load()) <= clampAhead {
		return time.Time{}, false
	}
	return s.FromLocal(Now()).Add(clampAhead), true
}
