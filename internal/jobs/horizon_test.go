package jobs

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/store"
)

const year = 365 * 24 * time.Hour

// purging is an archive that deletes.
func purging(a *archive) *Jobs {
	j := jobs(a)
	j.Archive = a.Archive
	return j
}

func sessionsIn(t *testing.T, a *archive) int64 {
	t.Helper()
	n, err := a.SessionsBegun(t.Context(), time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A wrong clock at a start must not empty the archive.
func TestPurge_AClockYearsAheadDeletesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		ran  bool // retention ran before, with the right clock
	}{{"after the horizon was stored", true}, {"before a horizon was stored", false}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := open(t)
				defer a.Close()
				at := clock.Now()
				begin(t, a, at.Add(-20*time.Hour), at.Add(-10*time.Hour), at.Add(-time.Minute))
				if err := a.Append(t.Context(), []store.Fact{&store.CustomerRevoked{CustomerID: "c", Before: at}}); err != nil {
					t.Fatal(err)
				}
				if c.ran {
					purging(a).purge(t.Context(), at)
				}
				j := purging(a) // a start, with the clock three years ahead
				j.purge(t.Context(), at.Add(3*year))
				if n := sessionsIn(t, a); n != 3 {
					t.Errorf("a start with the clock three years ahead left %d of 3 sessions: what deletes by age trusted one clock", n)
				}
				if page, err := a.CredentialChanges(t.Context(), 0, 100); err != nil || len(page.Changes) != 1 {
					t.Errorf("a start with the clock three years ahead left %d of 1 steps of the feed, %v: what was revoked is valid again", len(page.Changes), err)
				}
				if j.refused.Load() != 1 {
					t.Errorf("a refusal is counted %d times, want once", j.refused.Load())
				}
				purging(a).purge(t.Context(), at.Add(time.Minute)) // the clock is right again
				if horizon, _, err := a.Horizon(t.Context()); err != nil || horizon.After(at.Add(time.Minute)) || horizon.Before(at.Add(-time.Minute)) {
					t.Errorf("afterwards the horizon is %v, %v, and the time %v", horizon, err, at)
				}
			})
		})
	}
}

func TestPurge_TheHorizonMovesSevenDaysADayOfRunningTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t)
		defer a.Close()
		at := clock.Now()
		if err := a.SetHorizon(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		j := purging(a)
		for range 24 {
			time.Sleep(time.Hour)
			j.purge(t.Context(), clock.Now().Add(year))
		}
		if horizon, _, _ := a.Horizon(t.Context()); !horizon.Equal(at.Add(7 * 24 * time.Hour)) {
			t.Errorf("in a day of running time the horizon moved by %v, want 7 days", horizon.Sub(at))
		}
		other := purging(a) // another start
		other.purge(t.Context(), clock.Now().Add(year))
		if horizon, _, _ := a.Horizon(t.Context()); !horizon.Equal(at.Add(7 * 24 * time.Hour)) {
			t.Errorf("a start moved the horizon by %v: it has not run yet", horizon.Sub(at))
		}
	})
}

func TestPurge_TheHorizonFollowsARightClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t)
		defer a.Close()
		begin(t, a, clock.Now())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		j := purging(a)
		go j.Run(ctx)
		time.Sleep(26 * time.Hour)
		if n := sessionsIn(t, a); n != 0 || j.refused.Load() != 0 {
			t.Errorf("%d sessions are left that are older than a day, which is their retention; %d refusals", n, j.refused.Load())
		}
		cancel()
		synctest.Wait()
	})
}

// Old data that was restored or imported says by itself how late it was; the rest an
// operator decides.
func TestRetention_AnOperatorMovesTheHorizon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t)
		defer a.Close()
		at := clock.Now()
		begin(t, a, at.Add(-3*year), at.Add(-2*year))
		j := purging(a)
		j.purge(t.Context(), at)
		if n := sessionsIn(t, a); n != 1 {
			t.Errorf("of two imported sessions a year apart %d are left, want the later", n)
		}
		if r, err := j.Retention(t.Context(), false); err != nil || !r.Horizon.Equal(at.Add(-2*year)) || !r.Sessions.Equal(r.Horizon.Add(-24*time.Hour)) {
			t.Errorf("Retention says %+v, %v", r, err)
		}
		if r, err := j.Retention(t.Context(), true); err != nil || r.Horizon.Before(at) || !r.Horizon.Equal(r.Now) {
			t.Errorf("an operator moves the horizon to %+v, %v, want now", r, err)
		}
		j.purge(t.Context(), at)
		if n := sessionsIn(t, a); n != 0 {
			t.Errorf("%d sessions of two years ago are left", n)
		}
	})
}

func TestRetention_IsNotMovedWhileTheClocksDisagree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t)
		defer a.Close()
		a.behind = time.Hour
		if r, err := jobs(a).Retention(t.Context(), true); err == nil {
			t.Errorf("the horizon is moved to %v while the clocks disagree by an hour", r.Horizon)
		}
	})
}
