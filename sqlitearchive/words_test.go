package sqlitearchive

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// shopOf opens an archive and returns a function that stores a session with a page view
// and an agent, and returns the session's id.
func shopOf(t *testing.T) (a *Archive, visit func(visitor, page, agent string, at time.Time) string) {
	t.Helper()
	a, err := Open(filepath.Join(t.TempDir(), "footfall.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	n := 0
	return a, func(visitor, page, agent string, at time.Time) string {
		t.Helper()
		n++
		begun := &store.SessionBegun{}
		begun.SessionID, begun.VisitorID, begun.UserAgent, begun.StartedAt, begun.LastSeenAt, begun.Version = fmt.Sprintf("s-%d", n), visitor, agent, at, at, 1
		view := &store.EventRecorded{Event: store.Event{EventID: fmt.Sprintf("e-%d", n), SessionID: begun.SessionID, VisitorID: visitor, EventType: store.EventPageView, Page: page, CreatedAt: at}}
		if err := a.Append(t.Context(), []store.Fact{begun, view}); err != nil {
			t.Fatal(err)
		}
		return begun.SessionID
	}
}

func count(t *testing.T, a *Archive, query string, args ...any) (n int64) {
	t.Helper()
	if err := a.reader().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWords_HaveWhatManyVisitorsBringAndNothingOfOnePerson(t *testing.T) {
	a, visit := shopOf(t)
	at := time.Now()
	var ids []string
	for i := range 10 {
		visit("one-person", "/account/of-one-person", "Agent of one person", at)
		ids = append(ids, visit(fmt.Sprint("visitor-", i), "/products/1", "Agent of many", at))
	}
	if n := count(t, a, `SELECT count(*) FROM words WHERE text LIKE '%one%person%'`); n != 0 {
		t.Errorf("%d texts of one person are in words: erasing the person would leave them", n)
	}
	for _, text := range []string{"/products/1", "Agent of many", store.EventPageView} {
		if n := count(t, a, `SELECT count(*) FROM words WHERE text = ?`, text); n != 1 {
			t.Errorf("%q is there %d times, want once", text, n)
		}
	}
	if n := count(t, a, `SELECT count(*) FROM session_rows WHERE typeof(user_agent) = 'integer'`); n != 7 {
		t.Errorf("%d sessions have a number for their agent, want 7: from the fourth visitor on", n)
	}
	for _, id := range ids {
		r, ok, err := a.Session(t.Context(), id)
		if err != nil || !ok || r.UserAgent != "Agent of many" {
			t.Errorf("the agent of %s is %q (%v, %v)", id, r.UserAgent, ok, err)
		}
		if e, err := a.Events(t.Context(), id, 10); err != nil || len(e) != 1 || e[0].Page != "/products/1" || e[0].EventType != store.EventPageView {
			t.Errorf("the events of %s are %+v (%v)", id, e, err)
		}
	}
}

// A text of digits alone is no number of a word.
func TestWords_TextsOfDigitsStayTexts(t *testing.T) {
	a, visit := shopOf(t)
	id := visit("v", "1234", "1", time.Now())
	r, _, err := a.Session(t.Context(), id)
	if err != nil || r.UserAgent != "1" {
		t.Errorf("the agent is %q (%v), want 1", r.UserAgent, err)
	}
	if e, err := a.Events(t.Context(), id, 1); err != nil || len(e) != 1 || e[0].Page != "1234" {
		t.Errorf("%+v, %v: want the page 1234", e, err)
	}
}

// Whatever strangers send, words in use stay within their bytes, here and after a new
// start, and a number means the same text for ever.
func TestWords_InUseAreBounded(t *testing.T) {
	w := newWords()
	numbers := map[int64]string{}
	most := 0
	for i := range 60_000 {
		text := fmt.Sprintf("%s-%d", strings.Repeat("x", i/sightsForWord%400), i/sightsForWord)
		if n := w.of(text, key{text: fmt.Sprint("visitor-", i)}); n != 0 {
			if before, ok := numbers[n]; ok && before != text {
				t.Fatalf("number %d is %q and was %q", n, text, before)
			}
			numbers[n] = text
		}
		size := 0
		if i%1000 == 0 {
			for _, m := range []map[string]int64{w.recent, w.older} {
				for text := range m {
					size += len(text) + wordOverhead
				}
			}
		}
		most = max(most, size)
	}
	if most > 2*wordBytes+longestWord+wordOverhead {
		t.Errorf("the words in use have %d bytes, at most %d are allowed", most, 2*wordBytes)
	}
	if len(w.retired) == 0 || len(w.retired)+len(w.recent)+len(w.older) != len(w.added) {
		t.Errorf("%d words were added, %d retired, and %d are in use: each is one or the other, or nobody deletes it", len(w.added), len(w.retired), len(w.recent)+len(w.older))
	}
}

// A retired word is deleted when no session is left that may have it, and not before:
// not while such a session is folded into another.
func TestWords_RetiredOnesAreDeletedWithTheirSessions(t *testing.T) {
	a, visit := shopOf(t)
	old, young := time.Now().Add(-48*time.Hour), time.Now()
	var first string
	for i := range 6 {
		first = visit(fmt.Sprint("visitor-", i), "/products/1", "Agent of many", old)
	}
	host := visit("host", "/host", "Another", young)
	if err := a.Append(t.Context(), []store.Fact{&store.SessionsFolded{Folded: first, Into: host, Visitor: "host"}}); err != nil {
		t.Fatal(err)
	}
	if err := a.opened.Load().write.use(t.Context(), func(c *conn) error {
		w := a.opened.Load().remembered.words
		for _, n := range w.recent {
			w.retired = append(w.retired, n)
		}
		w.recent = map[string]int64{}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	visit("later", "/later", "", young)
	if n := count(t, a, `SELECT count(*) FROM words WHERE retired IS NOT NULL`); n != 3 {
		t.Fatalf("%d words are retired, want 3", n)
	}
	purge := func(before time.Time) {
		t.Helper()
		for n := 1; n > 0; {
			var err error
			if n, err = a.Purge(t.Context(), young, before, before, 100); err != nil {
				t.Fatal(err)
			}
		}
	}
	purge(young.Add(-time.Hour))
	if n := count(t, a, `SELECT count(*) FROM words`); n != 3 {
		t.Errorf("%d words are left, want 3: an event of a folded session has them", n)
	}
	if e, err := a.Events(t.Context(), host, 10); err != nil || len(e) != 2 || e[0].Page != "/products/1" {
		t.Errorf("%+v, %v: want the page of the folded session's event", e, err)
	}
	purge(young.Add(time.Hour))
	if n := count(t, a, `SELECT count(*) FROM words`); n != 0 {
		t.Errorf("%d words are left of which no row has the number: nobody would ever delete them", n)
	}
}

// A batch that is not stored takes no number, and what another connection writes is
// read again.
func TestWords_AreThoseOfTheFile(t *testing.T) {
	a, visit := shopOf(t)
	at := time.Now()
	for i := range 3 {
		visit(fmt.Sprint("v-", i), "/products/1", "", at)
	}
	bad := &store.OrderPlaced{Order: store.Order{OrderID: "o", Total: store.Money{Amount: -1, Currency: "EUR"}, CreatedAt: at}}
	view := &store.EventRecorded{Event: store.Event{EventID: "bad", SessionID: "s-1", VisitorID: "v-9", EventType: store.EventPageView, Page: "/products/1", CreatedAt: at}}
	broken := &store.SessionBegun{}
	broken.SessionID = "s-9" // has no visitor, which the tables refuse
	if err := a.Append(t.Context(), []store.Fact{view, broken, bad}); err == nil {
		t.Fatal("nothing refuses this batch: the test does not test")
	}
	for i := range 3 {
		visit(fmt.Sprint("w-", i), "/products/1", "", at)
		if i == 1 { // as another program would
			other, err := Open(a.path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Append(context.Background(), []store.Fact{&store.EventRecorded{Event: store.Event{EventID: "other", SessionID: "s-2", VisitorID: "v-2", EventType: "add_to_cart", Page: "/products/1", CreatedAt: at}}}); err != nil {
				t.Fatal(err)
			}
			other.Close()
		}
	}
	if n := count(t, a, `SELECT count(*) FROM session_events WHERE page = '/products/1'`); n != 7 {
		t.Errorf("%d events have the page, want 7: a number whose word was not stored shows no text", n)
	}
	if n := count(t, a, `SELECT count(*) FROM session_events WHERE event_type IS NULL OR session_id IS NULL OR visitor_id IS NULL`); n != 0 {
		t.Errorf("%d events lack what they were stored with", n)
	}
}

// A session may begin, get a number for its agent, and be folded in one batch, as after a
// backup was restored. It has its agent when its cookie comes back.
func TestWords_OfASessionThatIsFoldedInTheBatchThatAddsThem(t *testing.T) {
	a, _ := shopOf(t)
	at := time.Now()
	var facts []store.Fact
	var latest string
	for i := range sightsForWord {
		begun := &store.SessionBegun{}
		begun.SessionID, begun.VisitorID, begun.UserAgent, begun.StartedAt, begun.LastSeenAt, begun.Version = fmt.Sprint("s-", i), fmt.Sprint("v-", i), "Agent of many", at, at, 1
		facts, latest = append(facts, begun), begun.SessionID
	}
	if err := a.Append(t.Context(), append(facts, &store.SessionsFolded{Folded: latest, Into: "s-0", Visitor: "v-0"})); err != nil {
		t.Fatal(err)
	}
	if n := count(t, a, `SELECT count(*) FROM folded_sessions`); n != 1 {
		t.Fatalf("%d sessions are folded, want one: the test does not test", n)
	}
	for _, facts := range [][]store.Fact{nil, {&store.SessionSeen{SessionID: latest, At: at}}} {
		if err := a.Append(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
		if r, ok, err := a.Session(t.Context(), latest); err != nil || !ok || r.UserAgent != "Agent of many" {
			t.Errorf("after %d facts the agent is %q (%v, %v)", len(facts), r.UserAgent, ok, err)
		}
	}
}

func TestKey_IsTheIDAgain(t *testing.T) {
	for id, packed := range map[string]bool{
		"01970000-0000-7000-8000-00000000000a": true, "ffffffff-ffff-ffff-ffff-ffffffffffff": true, "00000000-0000-0000-0000-000000000001": true,
		"01970000-0000-7000-8000-00000000000A": false, "00000000-0000-0000-0000-000000000000": false, "0197000000007000800000000000000a": false,
		"01970000-0000-7000-8000-00000000000g": false, "01970000_0000-7000-8000-00000000000a": false, "s-1": false, "": false, "0123456789abcdef": false,
		"01970000-0000-7000-8000-0000000000ää": false,
	} {
		k := keyOf(id)
		if k.String() != id || (k.text == "" && id != "") != packed {
			t.Errorf("%q becomes %+v, which is the id %q", id, k, k.String())
		}
		var there string
		a, _ := shopOf(t)
		if id == "" {
			continue
		}
		if err := a.reader().QueryRowContext(t.Context(), `SELECT `+idText("k")+` FROM (SELECT ? AS k)`, k.arg()).Scan(&there); err != nil || there != id {
			t.Errorf("in SQL %q is %q (%v)", id, there, err)
		}
	}
}
