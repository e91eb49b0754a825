package footfall

import (
	"context"
	"time"

	"github.com/footfall-go/footfall/store"
)

const (
	skewEvery  = 10          // of the archive's clock is asked, in followEvery
	minSkew    = time.Second // what is less is the way to the archive and back
	clampAhead = 5 * time.Second
	maxSkew    = time.Minute // past it nothing is deleted by age
)

// measureSkew finds out how far this machine's clock is ahead of the archive's;
// it stays 0 if the archive has none.
func (t *Tracker) measureSkew(ctx context.Context) (time.Duration, error) {
	clock, ok := store.ArchiveAs[store.Clock](t.archive.Archive)
	if !ok {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	began := time.Now()
	theirs, err := clock.Now(ctx)
	if err != nil {
		return 0, err
	}
	skew := began.Add(time.Since(began) / 2).Sub(theirs)
	if skew.Abs() < minSkew {
		skew = 0
	}
	t.skew.Store(int64(skew.Truncate(time.Millisecond)))
	return skew, nil
}

// common is a moment of this machine's clock by the installation's: moments of
// several machines are only compared after that.
func (t *Tracker) common(at time.Time) time.Time {
	return at.Add(-time.Duration(t.skew.Load()))
}

// clamp corrects the times of facts that a clock which runs ahead has put into
// the future.
func (t *Tracker) clamp(facts []Fact) {
	if time.Duration(t.skew.Load()) <= clampAhead {
		return
	}
	latest := t.common(now()).Add(clampAhead)
	limit := func(at *time.Time) {
		if at.After(latest) {
			*at = latest
			t.counts.timesClamped.Add(1)
		}
	}
	for _, fact := range facts {
		switch f := fact.(type) {
		case *SessionBegun:
			limit(&f.StartedAt)
			limit(&f.LastSeenAt)
		case *EventRecorded:
			limit(&f.CreatedAt)
		case *SessionSeen:
			limit(&f.At)
		case *OrderPlaced:
			limit(&f.CreatedAt)
		case *OrderRefunded:
			limit(&f.At)
		case *BotSeen:
			limit(&f.At)
		}
	}
}
