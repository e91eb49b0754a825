package mongoarchive_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// calls are all methods that send something to the server.
func calls(a *mongoarchive.Archive) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Append": func(ctx context.Context) error { return a.Append(ctx, []store.Fact{begun(1), view(1, "e-1")}) },
		"Session": func(ctx context.Context) error {
			_, ok, err := a.Session(ctx, sessionID(1))
			if err == nil && !ok {
				return nil
			}
			return err
		},
		"Order":             func(ctx context.Context) error { _, _, err := a.Order(ctx, "o"); return err },
		"CustomerSessions":  func(ctx context.Context) error { _, err := a.CustomerSessions(ctx, "c", 5); return err },
		"CredentialChanges": func(ctx context.Context) error { _, err := a.CredentialChanges(ctx, 0, 100); return err },
		"RevokedBefore":     func(ctx context.Context) error { _, err := a.RevokedBefore(ctx, "c"); return err },
		"ActiveVisitors":    func(ctx context.Context) error { _, err := a.ActiveVisitors(ctx, began); return err },
		"SessionsBegun":     func(ctx context.Context) error { _, err := a.SessionsBegun(ctx, began); return err },
		"ClaimSlot":         func(ctx context.Context) error { _, err := a.ClaimSlot(ctx, "job", began); return err },
		"Purge":             func(ctx context.Context) error { _, err := a.Purge(ctx, time.Time{}, time.Time{}, 1); return err },
		"Check":             a.Check,
		"Now":               func(ctx context.Context) error { _, err := a.Now(ctx); return err },
		"Describe":          func(ctx context.Context) error { _, err := a.Describe(ctx); return err },
		"Stats":             func(ctx context.Context) error { _, err := a.Stats(ctx, report.Window{}); return err },
		"Sessions":          func(ctx context.Context) error { _, err := a.Sessions(ctx, report.Filter{Limit: 1}); return err },
		"Events":            func(ctx context.Context) error { _, err := a.Events(ctx, sessionID(1), 1); return err },
	}
}

// wantFailures makes every call with a deadline. Each has to fail soon after it,
// with an error that means "try again".
func wantFailures(t *testing.T, a *mongoarchive.Archive, state string) {
	t.Helper()
	const deadline = 100 * time.Millisecond
	for name, call := range calls(a) {
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		start := time.Now()
		err := call(ctx)
		took := time.Since(start)
		cancel()
		if err == nil || errors.Is(err, store.ErrRejected) {
			t.Errorf("%s while the server is %s: %v: want a failure that can be tried again", name, state, err)
		}
		if strings.Contains(fmt.Sprint(err), "\n") || !strings.HasPrefix(fmt.Sprint(err), "mongoarchive: ") {
			t.Errorf("%s while the server is %s: %q: want one line that names the package", name, state, err)
		}
		if took > deadline+2*time.Second {
			t.Errorf("%s while the server is %s took %v with a deadline of %v", name, state, took.Round(time.Millisecond), deadline)
		}
	}
}

func TestArchive_Outages(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	uri := database(t, server)
	server.Stop()

	// An instance starts during an outage.
	a := open(t, uri)
	wantFailures(t, a, "down")
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := a.Append(ctx, []store.Fact{begun(1)}); err == nil {
		t.Error("Append without a server succeeded")
	}
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("Append without a server took %v: it must not use up a long deadline", took.Round(time.Millisecond))
	}

	server.Start()
	mustAppend(t, a, begun(1), view(1, "e-1"))
	for name, call := range calls(a) {
		if err := call(t.Context()); err != nil {
			t.Errorf("%s after the server's start: %v", name, err)
		}
	}

	server.Freeze()
	wantFailures(t, a, "frozen")
	server.Thaw()
	mustAppend(t, a, view(1, "e-2"))

	server.Stop()
	wantFailures(t, a, "stopped")
	server.Start()
	mustAppend(t, a, begun(1), view(1, "e-2"), view(1, "e-3"))
	if s, ok, err := a.Session(t.Context(), sessionID(1)); err != nil || !ok || s.PageViews != 3 {
		t.Errorf("after the outages: %d page views, %v, %v: want 3", s.PageViews, ok, err)
	}
}

// The server is killed at random moments while two processes append. Each batch
// is repeated until it is stored.
func TestArchive_KilledWhileAppending(t *testing.T) {
	t.Parallel()
	const rounds, kills = 60, 5
	server := testserver.MongoDB(t)
	uri := database(t, server)
	archives := []*mongoarchive.Archive{open(t, uri), open(t, uri)}
	want := map[int]int64{}
	done := make(chan error, len(archives))
	for k, a := range archives {
		rnd := rand.New(rand.NewPCG(uint64(k), 3))
		var batches [][]store.Fact
		for r := range rounds {
			var facts []store.Fact
			for n := range 4 {
				facts = append(facts, begun(n))
			}
			for i := range 1 + rnd.IntN(5) {
				n := rnd.IntN(4)
				want[n]++
				facts = append(facts, view(n, fmt.Sprintf("e-%d-%d-%d", k, r, i)))
			}
			if r%7 == 0 {
				facts = append(facts, login(k, "c", 1+r))
			}
			batches = append(batches, facts)
		}
		// FerretDB does not survive a kill while it makes a collection or an
		// index, so the first batch makes them all.
		if err := a.Append(t.Context(), batches[0]); err != nil {
			t.Fatal(err)
		}
		go func() {
			for deadline := time.Now().Add(2 * time.Minute); len(batches) > 0; {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				err := a.Append(ctx, batches[0])
				cancel()
				if errors.Is(err, store.ErrRejected) || t.Context().Err() != nil || err != nil && time.Now().After(deadline) {
					done <- err
					return
				}
				if err == nil {
					batches = batches[1:]
				} else {
					time.Sleep(10 * time.Millisecond)
				}
			}
			done <- nil
		}()
	}
	for range kills {
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		server.Stop()
		server.Start()
	}
	for range archives {
		if err := <-done; err != nil {
			t.Fatalf("Append over crashes of the server: %v: that is a failure to be tried again", err)
		}
	}
	for n := range 4 {
		s, ok, err := archives[n%2].Session(t.Context(), sessionID(n))
		if err != nil || !ok || s.PageViews != want[n] {
			t.Errorf("session %d has %d page views, %v, %v: want %d", n, s.PageViews, ok, err, want[n])
		}
		events, err := archives[n%2].Events(t.Context(), sessionID(n), 100_000)
		if err != nil || int64(len(events)) != want[n] {
			t.Errorf("session %d has %d events, %v: want %d", n, len(events), err, want[n])
		}
	}
	page, err := archives[0].CredentialChanges(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	for k := range archives {
		if n := len(slices.DeleteFunc(slices.Clone(page.Changes), func(c store.CredentialChange) bool { return c.SessionID != sessionID(k) })); n != (rounds+6)/7 {
			t.Errorf("the feed has %d changes of session %d, want %d", n, k, (rounds+6)/7)
		}
	}
}
