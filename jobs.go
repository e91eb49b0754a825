package footfall

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/revoked"
	"github.com/footfall-go/footfall/store"
)

// Housekeeping belongs to this process and always runs; jobs belong to the
// whole installation, and each of their slots is run by one instance.
const (
	housekeepEvery = time.Second
	sweepEvery     = 10
	measureEvery   = 10              // of the archive's clock is asked, in revoked.FollowEvery
	liveIdle       = 2 * time.Minute // entries seen longer ago leave this process
	metricsEvery   = 10 * time.Second
	retentionEvery = time.Hour
	purgeBatch     = 500
	activeWindow   = 30 * time.Minute
)

// metricValues are the latest figures of the metrics job.
type metricValues struct {
	activeUsers, dailyVisits atomic.Int64
}

func (t *Tracker) housekeep(ctx context.Context) {
	for tick := 1; clock.Sleep(ctx, housekeepEvery); tick++ {
		at := clock.Now()
		t.fold(ctx, at)
		t.retryOrders(ctx)
		for _, m := range t.begins.take(at, false) {
			t.noteUncounted(m)
		}
		if tick%sweepEvery == 0 {
			t.live.Sweep(at.Add(-liveIdle), at.Add(-t.lives.Idle-time.Minute), t.out.Confirmed())
			t.revoked.Forget(at.Add(-t.lives.Absolute - time.Minute))
		}
	}
}

// follow keeps up with what other instances revoke.
func (t *Tracker) follow(ctx context.Context) {
	for tick := 0; clock.Sleep(ctx, revoked.FollowEvery); tick++ {
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		if err := t.revoked.Follow(asking); err != nil && ctx.Err() == nil {
			t.archive.CountError()
		}
		cancel()
		if tick%measureEvery == 0 {
			_, _ = t.measureClock(ctx) // if it fails the next one will do; whether the archive answers shows elsewhere
		}
	}
}

// measureClock finds out how far this machine's clock is ahead of the archive's.
func (t *Tracker) measureClock(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	return t.clock.Measure(ctx)
}

func (t *Tracker) noteUncounted(m uncountedMinute) {
	_, _ = t.out.Append(nil, &VisitsUncounted{EventID: clock.NewID().String(), Minute: m.minute, Reason: "new_sessions_per_minute", Count: m.count})
}

// runJobs is a ticker and one claim per slot. The claim is never released: a
// released one lets a slower instance run the slot again.
func (t *Tracker) runJobs(ctx context.Context) {
	t.refreshMetrics(ctx, clock.Now()) // the slot of the moment may have been the last process's
	for {
		at := clock.Now()
		if t.claim(ctx, "metrics", at.Truncate(metricsEvery)) {
			t.refreshMetrics(ctx, at)
		}
		if t.claim(ctx, "retention", at.Truncate(retentionEvery)) {
			t.purge(ctx, at)
		}
		if !clock.Sleep(ctx, at.Truncate(metricsEvery).Add(metricsEvery).Sub(clock.Now())) {
			return
		}
	}
}

func (t *Tracker) claim(ctx context.Context, job string, slot time.Time) bool {
	mine, err := t.archive.Unguarded().ClaimSlot(ctx, job, slot)
	if err != nil && ctx.Err() == nil {
		t.counts.jobErrors.Add(1)
	}
	return mine && err == nil
}

// refreshMetrics counts the active users and the day's visits.
func (t *Tracker) refreshMetrics(ctx context.Context, at time.Time) {
	active, err := t.archive.Unguarded().ActiveVisitors(ctx, at.Add(-activeWindow))
	if err == nil {
		t.metrics.activeUsers.Store(active)
		y, m, d := at.In(t.config.Location).Date()
		var visits int64
		if visits, err = t.archive.Unguarded().SessionsBegun(ctx, time.Date(y, m, d, 0, 0, 0, 0, t.config.Location)); err == nil {
			t.metrics.dailyVisits.Store(visits)
			err = t.showMetrics(ctx, active, at, visits)
		}
	}
	if err != nil && ctx.Err() == nil {
		t.counts.jobErrors.Add(1)
	}
}

// showMetrics puts the figures into a hot store that people look into.
func (t *Tracker) showMetrics(ctx context.Context, active int64, at time.Time, visits int64) error {
	shown, ok := store.HotAs[store.MetricsShower](t.guarded.Unguarded())
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	return shown.SetMetrics(ctx, active, at.In(t.config.Location).Format(time.DateOnly), visits)
}

// purge deletes what is past its retention.
func (t *Tracker) purge(ctx context.Context, at time.Time) {
	if skew, err := t.measureClock(ctx); err != nil || skew.Abs() > clock.MaxOffset {
		t.counts.jobErrors.Add(1)
		t.log.Error("footfall: retention: nothing is deleted while this machine's clock and the archive's disagree", "by", skew, "error", err)
		return
	}
	for ctx.Err() == nil {
		n, err := t.archive.Unguarded().Purge(ctx, at.Add(-t.config.RetentionSessions), at.Add(-t.config.RetentionVisitors), purgeBatch)
		if err != nil {
			if ctx.Err() == nil {
				t.counts.jobErrors.Add(1)
				t.log.Error("footfall: retention", "error", err)
			}
			return
		}
		if n == 0 {
			return
		}
		t.counts.purged.Add(uint64(n))
		if !clock.Sleep(ctx, 20*time.Millisecond) { // leave the archive to others in between
			return
		}
	}
}
