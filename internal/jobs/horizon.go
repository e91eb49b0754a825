package jobs

import (
	"context"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/store"
)

const (
	// horizonPace is how much faster than time passes the horizon may move: 7 days a day
	// of running time.
	horizonPace = 7
	maxCredit   = 24 * time.Hour // of running time that one move is for
	heldBack    = 24 * time.Hour // by so much less than now the horizon has to be for a refusal
)

// advance moves the horizon, which is the time that deleting by age takes for now. It is
// stored, never later than the clock says, and moves no faster than horizonPace times the
// time that this process has run since it last moved it: so a clock that is wrong deletes
// at most what a few days have made old. Where nothing is stored yet, it begins when the
// latest session began: the data itself says that it was this late.
func (j *Jobs) advance(ctx context.Context, at time.Time) (horizon time.Time, err error) {
	stored, newest, err := j.Archive.Horizon(ctx)
	if err != nil {
		return horizon, err
	}
	now := time.Now() // with the monotonic clock
	allowed := stored.Add(horizonPace * min(now.Sub(j.moved), maxCredit))
	switch {
	case stored.IsZero() && newest.IsZero():
		allowed = at // there is nothing to delete
	case stored.IsZero():
		allowed = newest
	}
	horizon = at
	if allowed.Before(at) {
		horizon = allowed
	}
	if err := j.Archive.SetHorizon(ctx, horizon); err != nil {
		return horizon, err
	}
	j.moved = now
	if ahead := at.Sub(horizon); ahead > heldBack {
		j.refused.Add(1)
		j.Logger.Warn("footfall: retention: deleting by age follows the clock by at most 7 days a day; if the clock is right, footfall retention --yes makes it go on from now",
			"clock", at, "deletesAsOf", horizon)
	}
	return horizon, nil
}

// Retention reads how far deleting by age has come. If move is set, it takes the present
// for now from here on, however far that is: for an operator who has looked at the clock.
func (j *Jobs) Retention(ctx context.Context, move bool) (r store.Retention, err error) {
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	if move {
		if err := j.measure(ctx); err != nil {
			return r, err
		}
	}
	r.Now = clock.Now()
	if move {
		if err := j.Archive.SetHorizon(ctx, r.Now); err != nil {
			return r, err
		}
	}
	if r.Horizon, _, err = j.Archive.Horizon(ctx); err != nil {
		return r, err
	}
	r.Sessions, r.Visitors = r.Horizon.Add(-j.Sessions), r.Horizon.Add(-j.Visitors)
	return r, nil
}
