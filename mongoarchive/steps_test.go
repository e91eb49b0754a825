package mongoarchive_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

var everyStep = flag.Bool("every-step", false, "try each command of an Append, not only some: takes minutes")

// stride selects the commands that are tried: the first one, and the distance
// between them.
func stride(t *testing.T, some int) (first, step int) {
	if *everyStep {
		return 1, 1
	}
	first = 1 + rand.IntN(some)
	t.Logf("every %dth command from %d on", some, first)
	return first, some
}

// stepped is an archive that does something before or after one of its commands,
// which it finds by counting n down.
type stepped struct {
	*mongoarchive.Archive
	before, after atomic.Int64
	do            func()
}

func openStepped(t *testing.T, uri string) *stepped {
	t.Helper()
	s := &stepped{}
	isData := func(name string) bool {
		return name == "insert" || name == "update" || name == "delete" || name == "find" || name == "aggregate"
	}
	a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.WithMonitor(mongoarchive.Options{}, &event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			if isData(e.CommandName) && s.before.Add(-1) == 0 {
				s.do()
			}
		},
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			if isData(e.CommandName) && s.after.Add(-1) == 0 {
				s.do()
			}
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	s.Archive = a
	if err := a.Check(t.Context()); err != nil { // prepared: from here on commands are those of the calls
		t.Fatal(err)
	}
	return s
}

// commands returns how many commands an Append sends.
func (s *stepped) commands(t *testing.T, facts []store.Fact) int {
	t.Helper()
	const many = 1 << 30
	s.before.Store(many)
	mustAppend(t, s.Archive, facts...)
	return many - int(s.before.Load())
}

// state returns what can be read about sessions base+1 to base+4, without base.
func state(t *testing.T, a *mongoarchive.Archive, base int) string {
	t.Helper()
	var b strings.Builder
	line := func(v ...any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
		b.WriteByte('\n')
	}
	for n := base + 1; n <= base+4; n++ {
		s, ok, err := a.Session(t.Context(), sessionID(n))
		if err != nil {
			t.Fatal(err)
		}
		if n == base+1 { // activity of a session that was folded into it may still show
			s.LastSeenAt = began
		}
		line("session", ok, s.Session, s.Credentials(), s.Values)
		events, err := a.Events(t.Context(), sessionID(n), 1000)
		if err != nil {
			t.Fatal(err)
		}
		line("events", events)
	}
	for _, id := range []string{"o-1", "o-2"} {
		o, ok, err := a.Order(t.Context(), fmt.Sprintf("%s-%d", id, base))
		if err != nil {
			t.Fatal(err)
		}
		line("order", ok, o)
	}
	text := b.String()
	for n := base + 1; n <= base+4; n++ {
		text = strings.NewReplacer(sessionID(n), sessionID(n-base), visitorID(n), visitorID(n-base)).Replace(text)
	}
	return strings.ReplaceAll(text, fmt.Sprintf("-%d\"", base), "\"")
}

func event1(n int, id string, ms int) *store.EventRecorded {
	e := view(n, id)
	e.CreatedAt = began.Add(time.Duration(ms) * time.Millisecond)
	return e
}

// everything is a batch with every type of fact, of sessions base+1 to base+4: 2
// is folded into 1 and restored, 3 is folded into 1 and stays folded.
func everything(base int) []store.Fact {
	id := func(s string) string { return fmt.Sprintf("%s-%d", s, base) }
	one, two, three, four := base+1, base+2, base+3, base+4
	b := begun(four)
	b.Values = map[string]store.Value{"cart": {JSON: json.RawMessage("1")}}
	return []store.Fact{
		begun(one), begun(two), begun(three), b, event1(one, id("e-1"), 1), event1(two, id("e-2"), 2), event1(three, id("e-3"), 3), event1(four, id("e-4"), 4),
		&store.SessionsFolded{Into: sessionID(one), Folded: sessionID(two), Visitor: visitorID(one)},
		&store.SessionsFolded{Into: sessionID(one), Folded: sessionID(three), Visitor: visitorID(one)},
		event1(two, id("e-5"), 50), login(four, id("c"), 60), login(two, id("d"), 61),
		&store.CustomerRevoked{CustomerID: id("c"), Before: began.Add(70 * time.Millisecond)},
		&store.ValueSet{SessionID: sessionID(four), Key: "cart", Value: store.Value{JSON: json.RawMessage("2")}, At: began.Add(80 * time.Millisecond)},
		&store.OrderPlaced{EventID: id("e-o-1"), Order: store.Order{OrderID: id("o-1"), SessionID: sessionID(four), Total: store.Money{Amount: 5, Currency: "EUR"}, CreatedAt: began.Add(90 * time.Millisecond)}},
		&store.OrderPlaced{EventID: id("e-o-2"), Order: store.Order{OrderID: id("o-2"), SessionID: sessionID(four), Total: store.Money{Amount: 6, Currency: "EUR"}, CreatedAt: began.Add(80 * time.Millisecond)}},
		&store.OrderRefunded{RefundID: id("r-1"), OrderID: id("o-1"), SessionID: sessionID(four), EventID: id("e-r-1"), Amount: store.Money{Amount: 2, Currency: "EUR"}, At: began.Add(95 * time.Millisecond)},
	}
}

// A batch that is cut off before or after each of its commands, and is then
// repeated by another process, has the same result as one that was not cut off.
func TestArchive_CutOffAtEachStep(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	reference := openStepped(t, database(t, server))
	steps := reference.commands(t, everything(0))
	want := state(t, reference.Archive, 0)
	if strings.Contains(want, "[false") {
		t.Fatalf("the reference lacks something: %s", want)
	}
	t.Logf("a batch of %d commands", steps)
	if steps < 30 {
		t.Errorf("%d commands: the batch is meant to have every kind", steps)
	}
	for _, after := range []bool{false, true} {
		uri := database(t, server)
		a, other := openStepped(t, uri), open(t, uri)
		cuts := 0
		tried := 0
		first, step := stride(t, 30)
		for k := first; k <= steps; k += step {
			if tried++; tried%10 == 0 { // small collections
				uri = database(t, server)
				a, other = openStepped(t, uri), open(t, uri)
			}
			ctx, cancel := context.WithCancel(t.Context())
			a.do = cancel
			if after {
				a.after.Store(int64(k))
			} else {
				a.before.Store(int64(k))
			}
			if err := a.Append(ctx, everything(10*k)); err != nil {
				cuts++
			}
			cancel()
			mustAppend(t, other, everything(10*k)...)
			got, want := strings.Split(state(t, other, 10*k), "\n"), strings.Split(want, "\n")
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("cut off at command %d (after it: %v) and sent again:\ngot  %s\nwant %s", k, after, got[i], want[i])
				}
			}
		}
		if cuts < tried*3/4 {
			t.Errorf("only %d of %d batches were cut off", cuts, tried)
		}
	}
}

// Whatever one process does before each command of another: a session that is
// folded and restored loses nothing, and the counts are exact.
func TestArchive_BesideEachStep(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	folds := func(base int) []store.Fact {
		return []store.Fact{&store.SessionsFolded{Into: sessionID(base + 1), Folded: sessionID(base + 2), Visitor: visitorID(base + 1)}}
	}
	facts := func(base int) []store.Fact {
		end := &store.CredentialsChanged{SessionID: sessionID(base + 2), Cred: store.Credentials{Version: began.UnixMilli() + 60, SecretHash: store.SecretHash{7}, EndedAt: began.Add(60 * time.Millisecond), EndReason: store.EndRevoked}}
		return []store.Fact{begun(base + 2), event1(base+2, fmt.Sprintf("late-%d", base), 50), end,
			&store.ValueSet{SessionID: sessionID(base + 2), Key: "k", Value: store.Value{JSON: json.RawMessage("1")}, At: began.Add(61 * time.Millisecond)}}
	}
	both := func(base int) []store.Fact { return append(facts(base), folds(base)...) }
	for name, c := range map[string]struct {
		first, stepped, beside func(base int) []store.Fact // first is done before, nil: nothing
		ends                   bool                        // the facts are among them
	}{
		"facts_beside_a_fold":             {nil, folds, facts, true},
		"a_fold_beside_facts":             {nil, facts, folds, true},
		"a_fold_beside_the_same_fold":     {nil, folds, folds, false},
		"facts_beside_the_same_facts":     {folds, facts, facts, true},
		"a_fold_beside_taking_out":        {folds, facts, folds, true},
		"facts_and_fold_beside_the_same":  {nil, both, both, true},
		"facts_and_fold_beside_them_late": {folds, both, both, true},
	} {
		t.Run(name, func(t *testing.T) {
			uri := database(t, server)
			a, other := openStepped(t, uri), open(t, uri)
			start := func(base int) {
				mustAppend(t, other, begun(base+1), event1(base+1, fmt.Sprintf("host-%d", base), 1), begun(base+2), event1(base+2, fmt.Sprintf("guest-%d", base), 2))
				if c.first != nil {
					mustAppend(t, other, c.first(base)...)
				}
			}
			start(0)
			steps := a.commands(t, c.stepped(0))
			tried := 0
			first, step := stride(t, 9)
			for k := first; k <= steps; k += step {
				tried++
				base := 10 * k
				start(base)
				failed := error(nil)
				a.do = func() { failed = other.Append(t.Context(), c.beside(base)) }
				a.before.Store(int64(k))
				mustAppend(t, a.Archive, c.stepped(base)...)
				if failed != nil {
					t.Fatal(failed)
				}
				s, ok, err := a.Session(t.Context(), sessionID(base+2))
				if err != nil || !ok {
					t.Fatalf("before command %d of %d: the folded session = %v, %v: it is there", k, steps, ok, err)
				}
				if c.ends && (s.EndedAt.IsZero() || s.Version != began.UnixMilli()+60 || len(s.Values) != 1) {
					t.Errorf("before command %d of %d: credentials %+v and values %v: no fact is lost", k, steps, s.Credentials(), s.Values)
				}
				// Then the session's cookie comes back.
				mustAppend(t, other, &store.SessionSeen{SessionID: sessionID(base + 2), At: began.Add(90 * time.Millisecond)})
				guest := int64(1)
				if c.ends {
					guest = 2
				}
				for n, want := range map[int]int64{base + 1: 1, base + 2: guest} {
					s, _, err := a.Session(t.Context(), sessionID(n))
					events, eventsErr := a.Events(t.Context(), sessionID(n), 100)
					if err != nil || eventsErr != nil || s.PageViews != want || int64(len(events)) != want {
						t.Errorf("before command %d of %d: session %d has %d page views and %d events, %v, %v: want %d", k, steps, n-base, s.PageViews, len(events), err, eventsErr, want)
					}
				}
				list, err := a.Sessions(t.Context(), report.Filter{Limit: 1000})
				if n := len(list); err != nil || n != 2*(tried+1) && n != 2*(tried+1)-1 { // one of the first run may be folded still
					t.Errorf("before command %d of %d: %d sessions are listed, %v: want %d", k, steps, n, err, 2*(tried+1))
				}
			}
			page, err := a.CredentialChanges(t.Context(), 0, 100_000)
			there := map[store.CredentialChange]bool{}
			for _, c := range page.Changes {
				if there[c] {
					t.Errorf("the change %+v is in the feed twice", c)
				}
				there[c] = true
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}
