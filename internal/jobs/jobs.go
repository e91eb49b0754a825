package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/day"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/store"
)

const (
	metricsEvery   = 10 * time.Second
	retentionEvery = time.Hour
	purgeBatch     = 500
	activeWindow   = 30 * time.Minute
)

// Options of [New]; all are required.
type Options struct {
	Archive            store.Archive
	Hot                store.HotStore // is shown the metrics if it is a [store.MetricsShower]
	Clock              *clock.Shared
	Location           *time.Location // of the shop's day
	Sessions, Visitors time.Duration  // ages at which they are deleted
	Counts             *count.Set
	Logger             *slog.Logger
}

// Jobs is safe for concurrent use.
type Jobs struct {
	Options
	activeUsers, dailyVisits atomic.Int64
	purged, errors, refused  *atomic.Uint64
	moved                    time.Time // when the horizon was moved last, or the process began; of Run alone
}

// New returns the jobs of an installation.
func New(o Options) *Jobs {
	return &Jobs{
		Options: o,
		purged:  o.Counts.New("purged", "Sessions and visitors that were deleted from the archive because of their age."),
		refused: o.Counts.New("retention_refused", "Times that deleting by age did less than the clock asked for: it and the archive's disagree, or it is days ahead of how long footfall has run."),
		moved:   time.Now(),
		errors:  o.Counts.New("job_errors", "Background jobs (metrics, deleting by age) that failed and are tried again at their next turn."),
	}
}

// ActiveUsers is how many visitors were active in the last 30 minutes, and
// DailyVisits how many sessions began on the shop's day, both as of at most 10 s ago.
func (j *Jobs) ActiveUsers() int64 { return j.activeUsers.Load() }
func (j *Jobs) DailyVisits() int64 { return j.dailyVisits.Load() }

// Run runs the jobs until ctx ends: a ticker and one claim per slot. The claim is
// never released: a released one lets a slower instance run the slot again.
func (j *Jobs) Run(ctx context.Context) {
	j.refreshMetrics(ctx, clock.Now()) // the slot of the moment may have been the last process's
	for {
		at := clock.Now()
		if j.claim(ctx, "metrics", at.Truncate(metricsEvery)) {
			j.refreshMetrics(ctx, at)
		}
		if j.claim(ctx, "retention", at.Truncate(retentionEvery)) {
			j.purge(ctx, at)
		}
		if !clock.Sleep(ctx, at.Truncate(metricsEvery).Add(metricsEvery).Sub(clock.Now())) {
			return
		}
	}
}

func (j *Jobs) claim(ctx context.Context, job string, slot time.Time) bool {
	mine, err := j.Archive.ClaimSlot(ctx, job, slot)
	j.failed(ctx, err)
	return mine && err == nil
}

// failed counts an error, unless it comes of ctx having ended.
func (j *Jobs) failed(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil {
		return false
	}
	j.errors.Add(1)
	return true
}

// refreshMetrics counts the active users and the day's visits.
func (j *Jobs) refreshMetrics(ctx context.Context, at time.Time) {
	active, err := j.Archive.ActiveVisitors(ctx, at.Add(-activeWindow))
	if err == nil {
		j.activeUsers.Store(active)
		today := day.Of(at, j.Location)
		var visits int64
		if visits, err = j.Archive.SessionsBegun(ctx, today.Start()); err == nil {
			j.dailyVisits.Store(visits)
			err = j.showMetrics(ctx, active, today, visits)
		}
	}
	j.failed(ctx, err)
}

// showMetrics puts the figures into a hot store that people look into.
func (j *Jobs) showMetrics(ctx context.Context, active int64, today day.Day, visits int64) error {
	shower, ok := store.HotAs[store.MetricsShower](j.Hot)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	return shower.SetMetrics(ctx, active, today.String(), visits)
}

// purge deletes what is past its retention.
func (j *Jobs) purge(ctx context.Context, at time.Time) {
	measuring, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	if err := j.measure(measuring); err != nil {
		j.errors.Add(1)
		j.refused.Add(1)
		j.Logger.Error("footfall: retention: nothing is deleted", "error", err)
		return
	}
	horizon, err := j.advance(measuring, at)
	if err != nil {
		if j.failed(ctx, err) {
			j.Logger.Error("footfall: retention", "error", err)
		}
		return
	}
	for ctx.Err() == nil {
		n, err := j.Archive.Purge(ctx, horizon, horizon.Add(-j.Sessions), horizon.Add(-j.Visitors), purgeBatch)
		if j.failed(ctx, err) {
			j.Logger.Error("footfall: retention", "error", err)
		}
		if err != nil || n == 0 {
			return
		}
		j.purged.Add(uint64(n))
		if !clock.Sleep(ctx, 20*time.Millisecond) { // leave the archive to others in between
			return
		}
	}
}

// measure returns an error unless this machine's clock and the archive's agree.
func (j *Jobs) measure(ctx context.Context) error {
	offset, err := j.Clock.Measure(ctx)
	if err != nil {
		return fmt.Errorf("the archive's clock cannot be read: %w", err)
	}
	if offset.Abs() > clock.MaxOffset {
		return fmt.Errorf("this machine's clock and the archive's disagree by %s, and by a minute at most they may", offset)
	}
	return nil
}
