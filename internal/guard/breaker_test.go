package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/store"
)

var errDown = errors.New("down")

// asked is a hot store, and an archive, that takes a while and then answers with err.
type asked struct {
	store.HotStore
	takes time.Duration

	mu    sync.Mutex
	err   error
	calls int
}

func (a *asked) answer() error {
	a.mu.Lock()
	a.calls++
	err := a.err
	a.mu.Unlock()
	time.Sleep(a.takes)
	return err
}

// from now on the store answers with err, and its calls are counted anew.
func (a *asked) from(err error) {
	a.mu.Lock()
	a.err, a.calls = err, 0
	a.mu.Unlock()
}

func (a *asked) called() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls
}

func (a *asked) Read(context.Context, string) ([]byte, int64, store.Activity, error) {
	return nil, 0, store.Activity{}, a.answer()
}

func (a *asked) Put(context.Context, string, string, []byte, int64, int64, time.Duration) (bool, error) {
	return false, a.answer()
}

func (a *asked) Merge(context.Context, string, string, string, store.Activity, time.Duration) (bool, error) {
	return false, a.answer()
}

func (a *asked) Delete(context.Context, string) error { return a.answer() }

type askedArchive struct {
	store.Archive
	*asked
}

func (a askedArchive) Session(context.Context, string) (store.Record, bool, error) {
	return store.Record{}, false, a.answer()
}

func (a askedArchive) Order(context.Context, string) (store.Order, bool, error) {
	return store.Order{}, false, a.answer()
}
func (a askedArchive) Append(context.Context, []store.Fact) error { return a.answer() }
func (a askedArchive) Check(context.Context) error                { return a.answer() }

func read(g *Hot) error {
	_, _, _, err := g.Read(context.Background(), "id")
	return err
}

func TestBreaker_OpensAfterFiveSlowFailuresInARow(t *testing.T) {
	for _, c := range []struct {
		what  string
		takes time.Duration
		errs  []error // of the calls, in order
		open  bool
	}{
		{"five slow failures", slowFailure, []error{errDown, errDown, errDown, errDown, errDown}, true},
		{"four slow failures", slowFailure, []error{errDown, errDown, errDown, errDown}, false},
		{"five fast failures, which cost nobody anything", slowFailure - 1, []error{errDown, errDown, errDown, errDown, errDown}, false},
		{"a success after four, and one more", slowFailure, []error{errDown, errDown, errDown, errDown, nil, errDown}, false},
		{"a success, and five after it", slowFailure, []error{errDown, nil, errDown, errDown, errDown, errDown, errDown}, true},
		{"clients that went away", slowFailure, []error{context.Canceled, context.Canceled, context.Canceled, context.Canceled, context.Canceled}, false},
		{"clients that went away between five failures", slowFailure, []error{errDown, errDown, context.Canceled, errDown, errDown, errDown}, true},
		{"a store that ran out of time", slowFailure, []error{context.DeadlineExceeded, context.DeadlineExceeded, context.DeadlineExceeded, context.DeadlineExceeded, context.DeadlineExceeded}, true},
		{"facts that were rejected, which is an answer", slowFailure, []error{store.ErrRejected, store.ErrRejected, fmt.Errorf("a fact: %w", store.ErrRejected), store.ErrRejected, store.ErrRejected}, false},
		{"records of a newer version, which are an answer", slowFailure, []error{store.ErrNewer, store.ErrNewer, fmt.Errorf("read: %w", store.ErrNewer), store.ErrNewer, store.ErrNewer}, false},
		{"writes that a full store refused, which is an answer", slowFailure, []error{store.ErrNoWrites, store.ErrNoWrites, fmt.Errorf("put: %w", store.ErrNoWrites), store.ErrNoWrites, store.ErrNoWrites}, false},
		{"four failures, an answer that rejects, and one more", slowFailure, []error{errDown, errDown, errDown, errDown, store.ErrRejected, errDown}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &asked{takes: c.takes}
			g := NewHot(s, new(count.Set))
			for _, s.err = range c.errs {
				_ = read(g)
			}
			if open := g.State() == "open"; open != c.open {
				t.Errorf("after %s the breaker is open: %v, want %v", c.what, open, c.open)
			}
		})
	}
}

// busy is a hot store that answers one call after the other.
type busy struct {
	store.HotStore
	turn chan struct{}
}

func (b busy) Read(ctx context.Context, _ string) ([]byte, int64, store.Activity, error) {
	select {
	case b.turn <- struct{}{}:
		time.Sleep(slowFailure)
		<-b.turn
		return nil, 0, store.Activity{}, nil
	case <-ctx.Done():
		return nil, 0, store.Activity{}, ctx.Err()
	}
}

// Strangers can ask for so much at a time that a store cannot answer all of it in time.
// That must not keep everybody else from it for as long as an open breaker does.
func TestBreaker_AStoreThatIsBusyDoesNotOpenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewHot(busy{turn: make(chan struct{}, 1)}, new(count.Set))
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 5*slowFailure-1)
				defer cancel()
				_, _, _, _ = g.Read(ctx, "id")
			})
		}
		all.Wait()
		if g.State() == "open" {
			t.Error("100 calls at once open the breaker of a store that answers: want it closed")
		}
	})
}

func TestBreaker_BehindAnOpenOneNobodyIsAskedAndNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &asked{takes: time.Second, err: errDown}
		counts := new(count.Set)
		hot, archive := NewHot(s, counts), NewArchive(askedArchive{asked: s}, counts)
		ctx := t.Context()
		for range failuresToOpen {
			_ = read(hot)
			_, _, _ = archive.Session(ctx, "id")
			_ = archive.Commit(ctx, nil)
		}
		hot.breaker.took(call{began: time.Now().Add(-time.Second)}, errDown) // a call that was under way
		s.calls = 0
		began := time.Now()
		for name, call := range map[string]func() error{
			"Read": func() error { return read(hot) },
			"Put":  func() error { _, err := hot.Put(ctx, "id", "s", nil, 0, 1, 0); return err },
			"Merge": func() error {
				_, err := hot.Merge(ctx, "id", "s", "w", store.Activity{Views: 1, LastSeen: 1}, 0)
				return err
			},
			"Delete":  func() error { return hot.Delete(ctx, "id") },
			"Session": func() error { _, _, err := archive.Session(ctx, "id"); return err },
			"Order":   func() error { _, _, err := archive.Order(ctx, "id"); return err },
			"Commit":  func() error { return archive.Commit(ctx, nil) },
		} {
			if err := call(); err == nil {
				t.Errorf("%s behind an open breaker returns no error: that nobody was asked must not look like an absence", name)
			}
		}
		if s.calls != 0 || time.Since(began) != 0 {
			t.Errorf("behind open breakers the stores were called %d times, and %v were waited", s.calls, time.Since(began))
		}
		if _, _, err := archive.Unguarded().Session(ctx, "id"); !errors.Is(err, errDown) || s.calls != 1 {
			t.Errorf("what runs behind the journal got %v in %d calls: it is never refused", err, s.calls)
		}
		if all := counts.All(); all["hot_breaker_opened"] != 1 || all["archive_breaker_opened"] != 1 || all["archive_commit_breaker_opened"] != 1 {
			t.Errorf("the breakers opened once each, and the counters say %v", all)
		}
	})
}

func TestBreaker_SlowReadsSayNothingOfCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &asked{takes: time.Second, err: errDown}
		counts := new(count.Set)
		archive := NewArchive(askedArchive{asked: s}, counts)
		for range failuresToOpen {
			_, _, _ = archive.Session(t.Context(), "id")
		}
		if all := counts.All(); all["archive_breaker_opened"] != 1 || all["archive_commit_breaker_opened"] != 0 {
			t.Errorf("the breaker of reads opened, and the counters say %v", all)
		}
		if s.err = nil; archive.Commit(t.Context(), nil) != nil || archive.State() != "open" {
			t.Error("a logout was refused because reads had been slow: commits have more time, and a breaker of their own")
		}
	})
}

func TestProbe_ClosesABreakerWhenTheStoreAnswersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &asked{takes: 2 * slowFailure, err: errDown}
		hot, archive := NewHot(s, new(count.Set)), NewArchive(askedArchive{asked: s}, new(count.Set))
		for range failuresToOpen {
			_ = read(hot)
			_, _, _ = archive.Session(t.Context(), "id")
			_ = archive.Commit(t.Context(), nil)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			Probe(ctx, hot, archive, time.Second, slog.New(slog.DiscardHandler))
			close(ended)
		}()
		time.Sleep(10 * probeEvery)
		if hot.State() != "open" || archive.State() != "open" || !archive.commits.open.Load() {
			t.Error("a breaker closed while the store behind it failed")
		}
		s.from(nil)
		time.Sleep(2 * probeEvery)
		if hot.State() != "closed" || archive.State() != "closed" || archive.commits.open.Load() {
			t.Errorf("the stores answer again, and the breakers are %s, %s, commits allowed %v: a probe has to close them", hot.State(), archive.State(), !archive.commits.open.Load())
		}
		s.from(nil)
		time.Sleep(10 * probeEvery)
		if n := s.called(); n != 0 {
			t.Errorf("stores behind closed breakers were probed %d times: requests ask them", n)
		}
		s.from(errDown)
		if _ = read(hot); hot.State() != "closed" {
			t.Error("one failure after a recovery opens the breaker again: the count has to begin anew")
		}
		cancel()
		<-ended
	})
}

// Under many requests a store that stands still for the time of a request opens the breaker:
// customers are refused until it is closed again.
func TestProbe_AStoreThatStoodStillForAMomentIsAskedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &asked{}
		hot := NewHot(s, new(count.Set))
		archive := NewArchive(askedArchive{asked: &asked{}}, new(count.Set))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			Probe(ctx, hot, archive, 50*time.Millisecond, slog.New(slog.DiscardHandler))
			close(ended)
		}()
		stand := func() (open time.Duration) {
			c := call{time.Now(), hot.breaker.answers.Load()}
			time.Sleep(slowFailure)
			for range failuresToOpen {
				hot.breaker.took(c, errDown)
			}
			for began := time.Now(); hot.State() == "open"; open = time.Since(began) {
				time.Sleep(time.Millisecond)
			}
			return open
		}
		time.Sleep(probeEvery / 2)
		if open := stand(); open > 2*probeFirst {
			t.Errorf("the breaker of a store that answers again stays open for %v, want about %v", open, probeFirst)
		}
		var longest time.Duration
		for range 10 { // a store that is too slow opens it again at once
			longest = stand()
		}
		if longest < probeEvery {
			t.Errorf("a breaker that opens again and again is closed after %v: requests wait for the store each time, want %v", longest, probeEvery)
		}
		time.Sleep(3 * probeEvery)
		if open := stand(); open > 2*probeFirst {
			t.Errorf("after a while in order the breaker stays open for %v, want about %v", open, probeFirst)
		}
		s.from(errDown)
		go stand()
		time.Sleep(20 * probeEvery)
		if n := s.called(); n > 26 {
			t.Errorf("a store that fails was asked %d times in 10 s, want twice a second, and a few times at first", n)
		}
		s.from(nil)
		time.Sleep(2 * probeEvery)
		cancel()
		<-ended
	})
}
