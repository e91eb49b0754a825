package mongoarchive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/store"
)

// openHeard returns an archive that calls a function with each command before it
// is sent.
func openHeard(t *testing.T, uri string, started func(*event.CommandStartedEvent)) *mongoarchive.Archive {
	t.Helper()
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) { started(e) }}
	a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.WithMonitor(mongoarchive.Options{}, monitor))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func wantViews(t *testing.T, a *mongoarchive.Archive, n int, want int64) {
	t.Helper()
	if s, ok, err := a.Session(t.Context(), sessionID(n)); err != nil || !ok || s.PageViews != want {
		t.Errorf("session %d has %d page views, %v, %v: want %d", n, s.PageViews, ok, err, want)
	}
}

// If sessions have many page views, the server counts them, including those of
// the sessions that were folded into them.
func TestArchive_ManyViews(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var counts []string
	a := openHeard(t, database(t, testserver.MongoDB(t)), func(e *event.CommandStartedEvent) {
		mu.Lock()
		defer mu.Unlock()
		if e.CommandName == "aggregate" && e.Command.Lookup("aggregate").StringValue() == "session_events" {
			counts = append(counts, e.Command.String())
		}
	})
	facts := []store.Fact{begun(1), begun(2), begun(3)}
	for i := range 100 {
		facts = append(facts, view(1, fmt.Sprintf("a-%d", i)))
	}
	facts = append(facts, view(2, "b"), view(3, "c-1"), view(3, "c-2"))
	mustAppend(t, a, facts...)
	mustAppend(t, a, append(facts, view(1, "a-100"))...) // most were there already
	wantViews(t, a, 1, 101)
	wantViews(t, a, 2, 1)
	wantViews(t, a, 3, 2)
	mustAppend(t, a, &store.SessionsFolded{Into: sessionID(1), Folded: sessionID(3), Visitor: visitorID(1)}, view(1, "a-101"), view(2, "b-1"))
	wantViews(t, a, 1, 104)
	wantViews(t, a, 2, 2)
	mu.Lock()
	defer mu.Unlock()
	if len(counts) == 0 {
		t.Error("no count was asked for: the views are meant to be too many to read")
	}
	for _, text := range counts {
		if !strings.Contains(text, `{"$group": {"_id": "$sessionId","n": {"$sum": {"$numberInt":"1"}}}}]`) {
			t.Errorf("%s: an aggregation that is no count", text)
		}
	}
}

// The connection breaks during the insert of events, and during the update of
// their sessions: the second attempt stores all of it, once.
func TestArchive_CommandCutOff(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	var armed atomic.Pointer[string]
	a := openHeard(t, database(t, server), func(e *event.CommandStartedEvent) {
		if name := armed.Load(); name != nil && *name == e.CommandName && armed.CompareAndSwap(name, nil) {
			server.Stop()
			server.Start()
		}
	})
	mustAppend(t, a, begun(1), view(1, "e-0"))
	for i, name := range []string{"insert", "update"} {
		armed.Store(&name)
		mustAppend(t, a, view(1, fmt.Sprintf("e-%d", i+1)))
		if armed.Load() != nil {
			t.Errorf("no %s was sent", name)
		}
		wantViews(t, a, 1, int64(i+2))
	}
}

// A command contains as many events as a server accepts in one.
func TestAppendInsert_Limits(t *testing.T) {
	sized := func(size int) *store.Event {
		e := &view(1, "e").Event
		e.Metadata = json.RawMessage(`"` + strings.Repeat("x", size) + `"`)
		return e
	}
	many := make([]*store.Event, 1200)
	for i := range many {
		many[i] = sized(1)
	}
	for _, c := range []struct {
		name   string
		events []*store.Event
		want   int
	}{
		{"many", many, 1000},
		{"the rest", many[:200], 200},
		{"large", []*store.Event{sized(5 << 20), sized(5 << 20), sized(5 << 20)}, 2},
		{"too large", []*store.Event{sized(17 << 20), sized(1)}, 1}, // for the server to refuse
	} {
		command, n := mongoarchive.AppendInsert(nil, c.events)
		if err := bson.Raw(command).Validate(); err != nil || n != c.want {
			t.Errorf("%s: a command of %d events, %v: want %d", c.name, n, err, c.want)
		}
		if docs, err := bson.Raw(command).Lookup("documents").Array().Values(); err != nil || len(docs) != c.want {
			t.Errorf("%s: a command of %d documents, %v: want %d", c.name, len(docs), err, c.want)
		}
	}
}

// The cost of encoding an event into a command.
func BenchmarkAppendInsert(b *testing.B) {
	events := make([]*store.Event, 500)
	for i := range events {
		events[i] = &view(1, fmt.Sprintf("e-%d", i)).Event
	}
	var command bson.Raw
	b.ReportAllocs()
	for b.Loop() {
		command, _ = mongoarchive.AppendInsert(command[:0], events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}
