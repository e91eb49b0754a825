package sqlitearchive_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// A batch is stored completely or not at all, even when its context ends in the
// middle, and can then be repeated.
func TestAppend_ContextEnds(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "footfall.db"))
	const sessions, views = 500, 60_000
	var batch []store.Fact
	for n := range sessions {
		batch = append(batch, begun(n))
	}
	for n := range views {
		batch = append(batch, view(n%sessions, fmt.Sprintf("01970000-0000-7000-8000-%012x", n)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := a.Append(ctx, batch); !errors.Is(err, context.Canceled) {
		t.Fatalf("Append of a batch whose context ended: %v", err)
	}
	if _, ok, err := a.Session(t.Context(), sessionID(0)); ok || err != nil {
		t.Errorf("of a batch whose context ended a session is stored (%v)", err)
	}
	mustAppend(t, a, batch...)
	r, _, err := a.Session(t.Context(), sessionID(0))
	if err != nil || r.PageViews != views/sessions {
		t.Errorf("repeated, a session has %d page views (%v), want %d", r.PageViews, err, views/sessions)
	}
	if err := a.Append(ctx, batch); !errors.Is(err, context.Canceled) {
		t.Errorf("Append with a context that is over: %v", err)
	}
}

// A batch may contain facts that are stored already, anywhere in it. Each is
// counted once and is in the list of its session's events once.
func TestAppend_OverlappingReplay(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "footfall.db"))
	const sessions, views = 7, 300
	var facts []store.Fact
	for n := range views {
		if n < sessions {
			facts = append(facts, begun(n))
		}
		facts = append(facts, view(n%sessions, fmt.Sprintf("01970000-0000-7000-8000-%012x", n)))
	}
	for _, part := range [][2]int{{0, 90}, {50, 200}, {0, 10}, {150, len(facts)}, {0, len(facts)}} {
		mustAppend(t, a, facts[part[0]:part[1]]...)
		mustAppend(t, a, append(facts[part[0]:part[1]:part[1]], facts[part[0]:part[1]]...)...)
	}
	for n := range sessions {
		want := (views - n + sessions - 1) / sessions
		r, _, err := a.Session(t.Context(), sessionID(n))
		if err != nil || r.PageViews != int64(want) {
			t.Errorf("session %d has %d page views (%v), want %d", n, r.PageViews, err, want)
		}
		events, err := a.Events(t.Context(), sessionID(n), 1000)
		if err != nil || len(events) != want {
			t.Errorf("session %d lists %d events (%v), want %d", n, len(events), err, want)
		}
	}
}
