package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // for a machine without zone files

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// archive is a real one that counts what the jobs do, and whose clock differs.
type archive struct {
	*sqlitearchive.Archive
	behind   time.Duration // of this machine's clock
	clockErr error
	purgeErr error
	left     int // to purge

	mu               sync.Mutex
	counted, purged  int // calls
	sessionsUpTo     time.Time
	visitorsUpTo     time.Time
	claimed, claimNo map[string]int // by job: claims that were given, and not
}

func open(t *testing.T) *archive {
	t.Helper()
	a, err := sqlitearchive.Open(filepath.Join(t.TempDir(), "a.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &archive{Archive: a, claimed: map[string]int{}, claimNo: map[string]int{}}
}

func (a *archive) Now(context.Context) (time.Time, error) {
	return time.Now().Add(-a.behind), a.clockErr
}

func (a *archive) ClaimSlot(ctx context.Context, job string, slot time.Time) (bool, error) {
	mine, err := a.Archive.ClaimSlot(ctx, job, slot)
	a.mu.Lock()
	defer a.mu.Unlock()
	if mine {
		a.claimed[job]++
	} else {
		a.claimNo[job]++
	}
	return mine, err
}

func (a *archive) ActiveVisitors(ctx context.Context, since time.Time) (int64, error) {
	a.mu.Lock()
	a.counted++
	a.mu.Unlock()
	return a.Archive.ActiveVisitors(ctx, since)
}

func (a *archive) Purge(_ context.Context, _, sessions, visitors time.Time, limit int) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.purged++
	a.sessionsUpTo, a.visitorsUpTo = sessions, visitors
	n := min(limit, a.left)
	a.left -= n
	return n, a.purgeErr
}

func jobs(a *archive) *Jobs {
	return New(Options{
		Archive: a, Hot: memstore.New(0), Clock: clock.NewShared(a), Location: time.UTC, Sessions: 24 * time.Hour, Visitors: 48 * time.Hour,
		Counts: new(count.Set), Logger: slog.New(slog.DiscardHandler),
	})
}

func TestRun_OfTwoInstancesOneRunsEachSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t)
		defer a.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var instances sync.WaitGroup
		instances.Go(func() { jobs(a).Run(ctx) })
		time.Sleep(metricsEvery / 3) // the second begins within a slot
		instances.Go(func() { jobs(a).Run(ctx) })
		time.Sleep(5*time.Minute + metricsEvery/2) // slots 0 to 30 of the metrics, and one of the retention
		cancel()
		instances.Wait()
		if a.claimed["metrics"] != 31 || a.claimNo["metrics"] != 31 || a.claimed["retention"] != 1 {
			t.Errorf("in five minutes two instances were given %v slots and refused %v: each of 31 slots of the metrics, and the one of the retention, is run by one of them", a.claimed, a.claimNo)
		}
		if a.counted != 31+2 || a.purged != 1 {
			t.Errorf("the metrics were counted %d times, want once a slot and once at the start of each instance; deleting ran %d times, want once", a.counted, a.purged)
		}
	})
}

func TestRun_WhoeverCannotClaimASlotDoesNotRunIt(t *testing.T) {
	a := open(t)
	a.Close()
	j := jobs(a)
	if j.claim(t.Context(), "metrics", time.Now()) {
		t.Error("a slot counts as claimed though the archive failed: several instances would run it")
	}
	if j.errors.Load() != 1 {
		t.Errorf("an archive that failed is counted %d times as a job's error, want once", j.errors.Load())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if j.claim(ended, "metrics", time.Now()) || j.errors.Load() != 1 {
		t.Error("that the process ends counts as a job's error")
	}
}

func TestPurge_NothingWhileTheClocksDisagree(t *testing.T) {
	for _, c := range []struct {
		what   string
		behind time.Duration
		err    error
		purges bool
	}{
		{"the same", 0, nil, true},
		{"a minute apart", clock.MaxOffset, nil, true},
		{"more than a minute ahead of the archive's", clock.MaxOffset + time.Millisecond, nil, false},
		{"more than a minute behind the archive's", -clock.MaxOffset - time.Second, nil, false},
		{"not known to agree", 0, errors.New("down"), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := open(t)
			defer a.Close()
			a.behind, a.clockErr, a.left = c.behind, c.err, purgeBatch+1
			j, at := jobs(a), clock.Now()
			j.purge(t.Context(), at)
			if (a.left == 0) != c.purges || (a.purged > 0) != c.purges {
				t.Errorf("the clocks are %s, and %d of %d were deleted in %d steps; is anything to be deleted: %v", c.what, purgeBatch+1-a.left, purgeBatch+1, a.purged, c.purges)
			}
			if (j.errors.Load() == 0) != c.purges {
				t.Errorf("the clocks are %s, and %d errors are counted", c.what, j.errors.Load())
			}
			if c.purges && (!a.sessionsUpTo.Equal(at.Add(-24*time.Hour)) || !a.visitorsUpTo.Equal(at.Add(-48*time.Hour)) || j.purged.Load() != purgeBatch+1) {
				t.Errorf("sessions up to %v and visitors up to %v were deleted, %d counted; their ages are 24 and 48 hours", a.sessionsUpTo, a.visitorsUpTo, j.purged.Load())
			}
		})
	}
}

func TestPurge_EndsWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t)
		defer a.Close()
		a.left, a.purgeErr = 10*purgeBatch, errors.New("down")
		j := jobs(a)
		j.purge(t.Context(), clock.Now())
		if a.purged != 1 || j.errors.Load() != 1 {
			t.Errorf("an archive that failed was asked %d times, and %d errors counted, want once each: the next slot tries again", a.purged, j.errors.Load())
		}
	})
}

// shown is a hot store that keeps the metrics it is shown.
type shown struct {
	store.HotStore
	day    string
	visits int64
}

func (s *shown) SetMetrics(_ context.Context, _ int64, day string, visits int64) error {
	s.day, s.visits = day, visits
	return nil
}

func begin(t *testing.T, a *archive, at ...time.Time) {
	t.Helper()
	for i, began := range at {
		id := fmt.Sprintf("01970000-0000-7000-8000-%012d", i+1)
		fact := &store.SessionBegun{Record: store.Record{Session: store.Session{SessionID: id, VisitorID: id, StartedAt: began, LastSeenAt: began}, Version: 1}}
		if err := a.Append(t.Context(), []store.Fact{fact}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefreshMetrics_ADayBeginsInTheShopsPlace(t *testing.T) {
	a := open(t)
	defer a.Close()
	j := jobs(a)
	j.Location = time.FixedZone("east", 2*60*60)
	at := time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC) // one o'clock of the second there
	begin(t, a, at.Add(-2*time.Hour), at.Add(-30*time.Minute))
	if j.refreshMetrics(t.Context(), at); j.DailyVisits() != 1 {
		t.Errorf("%d visits of the day, want 1: the other session began before midnight of the shop's day", j.DailyVisits())
	}
}

// On this day clocks go from midnight to one o'clock.
func TestRefreshMetrics_ADayWithoutMidnightBeginsAtItsFirstMoment(t *testing.T) {
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	a := open(t)
	defer a.Close()
	j, hot := jobs(a), &shown{HotStore: memstore.New(0)}
	j.Location, j.Hot = zone, hot
	first := time.Date(2026, 9, 6, 4, 0, 0, 0, time.UTC)
	begin(t, a, first.Add(-40*time.Minute), first.Add(-time.Minute), first.Add(-time.Millisecond), first, first.Add(time.Hour))
	if j.refreshMetrics(t.Context(), first.Add(11*time.Hour)); j.DailyVisits() != 2 {
		t.Errorf("%d visits of the day, want 2: the other three began before its first moment, which is one o'clock", j.DailyVisits())
	}
	if hot.day != "2026-09-06" || hot.visits != 2 {
		t.Errorf("the hot store is shown %d visits of %s, want 2 of 2026-09-06", hot.visits, hot.day)
	}
	if j.refreshMetrics(t.Context(), first.Add(-time.Millisecond)); j.DailyVisits() != 5 || hot.day != "2026-09-05" {
		t.Errorf("a moment before it %d visits of %s are counted, want all 5, of 2026-09-05", j.DailyVisits(), hot.day)
	}
}
