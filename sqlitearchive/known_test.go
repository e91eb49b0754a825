package sqlitearchive

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// What is known of a session without reading its rows is forgotten when the rows go,
// whoever deletes them.
func TestKnown_NothingOfASessionThatIsGone(t *testing.T) {
	a, _ := shopOf(t)
	at := time.Now().Add(-48 * time.Hour)
	n := 0
	view := func(session int) {
		t.Helper()
		n++
		if err := a.Append(t.Context(), []store.Fact{&store.EventRecorded{Event: store.Event{
			EventID: uuidAt(at, 1000+n), SessionID: uuidAt(at, session), VisitorID: uuidAt(at, 100+session), EventType: store.EventPageView, CreatedAt: at}}}); err != nil {
			t.Fatal(err)
		}
	}
	begin := func(session int) {
		t.Helper()
		begun := &store.SessionBegun{}
		begun.SessionID, begun.VisitorID, begun.StartedAt, begun.LastSeenAt, begun.Version = uuidAt(at, session), uuidAt(at, 100+session), at, at, 1
		if err := a.Append(t.Context(), []store.Fact{begun}); err != nil {
			t.Fatal(err)
		}
		view(session)
		view(session)
		if _, ok := a.opened.Load().remembered.sessions.recent[keyOf(begun.SessionID).uuid]; !ok {
			t.Fatal("nothing is known of a session that was just written: the test does not test")
		}
	}
	want := func(what string, session, sessions, events int64) {
		t.Helper()
		id := keyOf(uuidAt(at, int(session))).arg()
		for query, want := range map[string]int64{
			`SELECT count(*) FROM session_rows WHERE id = ?`:                                                                                                           sessions,
			`SELECT count(*) FROM activity WHERE session NOT IN (SELECT number FROM session_rows) OR ? IS NULL`:                                                        0,
			`SELECT count(*) FROM event_rows WHERE session IN (SELECT number FROM session_rows WHERE id = ?1 UNION SELECT number FROM unknown_sessions WHERE id = ?1)`: events,
		} {
			if got := count(t, a, query, id); got != want {
				t.Errorf("%s, %s is %d, want %d", what, query, got, want)
			}
		}
	}
	begin(1)
	for deleted := 1; deleted > 0; {
		var err error
		if deleted, err = a.Purge(t.Context(), time.Now(), at.Add(time.Hour), time.Time{}, 100); err != nil {
			t.Fatal(err)
		}
	}
	view(1)
	want("after its session was deleted by age", 1, 0, 1)

	begin(2)
	begin(3)
	if err := a.Append(t.Context(), []store.Fact{&store.SessionsFolded{Folded: uuidAt(at, 3), Into: uuidAt(at, 2), Visitor: uuidAt(at, 102)}}); err != nil {
		t.Fatal(err)
	}
	want("after a session was folded", 3, 0, 0)
	want("after a session was folded into it", 2, 1, 4)
	view(3)
	want("taken out again", 3, 1, 3)
	view(2)
	want("when the other was taken out again", 2, 1, 3)
	if r, _, err := a.Session(t.Context(), uuidAt(at, 2)); err != nil || r.PageViews != 3 {
		t.Errorf("the session has %d page views (%v), want 3", r.PageViews, err)
	}

	other, err := Open(a.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Append(t.Context(), []store.Fact{&store.SessionsFolded{Folded: uuidAt(at, 3), Into: uuidAt(at, 2), Visitor: uuidAt(at, 102)}}); err != nil {
		t.Fatal(err)
	}
	view(3)
	want("after another connection folded it", 3, 1, 4)
}

func TestKnown_IsBounded(t *testing.T) {
	var k known
	k.clear()
	for n := range uint64(3*maxKnown + 5) {
		kept := touch{number: int64(n) + 1}
		binary.BigEndian.PutUint64(kept.id.uuid[:], n+1)
		k.keep(&kept)
		if again := (touch{id: kept.id}); !k.find(&again) || again.number != kept.number {
			t.Fatalf("of session %d the number %d is known", kept.number, again.number)
		}
	}
	if n := len(k.recent) + len(k.older); n > 2*maxKnown || n < maxKnown {
		t.Errorf("%d sessions are known, at most %d are allowed", n, 2*maxKnown)
	}
}
