// Package archivetest is the conformance suite for [store.Archive]. Every
// implementation runs it.
package archivetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// An Archive is what the suite tests. It includes report.Reader and report.Source,
// with which the suite examines what was stored.
type Archive interface {
	store.Archive
	report.Reader
	report.Source
}

// A Harness tells the suite how to open an implementation.
type Harness struct {
	// Open makes an empty archive and closes it with t.Cleanup. Required.
	Open func(t *testing.T) Archive

	// OpenTwo opens an empty archive twice, as two processes would. Without it,
	// the rules for archives that several processes share are skipped.
	OpenTwo func(t *testing.T) (Archive, Archive)

	// Random is how many random histories are tried. Default: 8. Negative: none.
	Random int

	// Small is for an archive that is slow to test: the suite then uses less of
	// everything, under 1,000 documents, and leaves the rules about cost out: its
	// implementation has to have tests of its own for them.
	Small bool
}

// TB is the part of [testing.TB] that a case uses. It is an interface so that the
// suite itself can be tested.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// Run tests an implementation.
func Run(t *testing.T, h Harness) {
	if h.Open == nil {
		t.Fatal("archivetest: Harness.Open is required")
	}
	tested := rules
	if !h.Small {
		tested = concat(rules, costRules)
	}
	for _, r := range tested {
		t.Run(r.name, func(t *testing.T) { r.check(&tester{TB: t, a: h.Open(t), small: h.Small}) })
	}
	if h.OpenTwo != nil {
		for _, r := range sharedRules {
			t.Run(r.name, func(t *testing.T) {
				a, other := h.OpenTwo(t)
				r.check(&tester{TB: t, a: a, other: other, small: h.Small})
			})
		}
	}
	t.Run("random_histories", func(t *testing.T) {
		n := h.Random
		if n == 0 {
			n = 8
		}
		for seed := range uint64(max(n, 0)) {
			randomHistory(&tester{TB: t, a: h.Open(t), small: h.Small}, seed)
		}
	})
}

// A rule is one sentence of the contract, or a few that need the same set-up.
type rule struct {
	name  string
	check func(t *tester)
}

var rules = concat(sessionRules, eventRules, credentialRules, orderRules, completionRules, foldRules, readRules, dayRules, jobRules, failureRules)

func concat(lists ...[]rule) (all []rule) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// A tester is an archive with the calls that rules make to it.
type tester struct {
	TB
	a     Archive
	other Archive // the same archive, opened a second time; only for sharedRules
	small bool
}

// of returns how much a rule should try: full, or small if the harness is Small.
func (t *tester) of(full, small int) int {
	if t.small {
		return small
	}
	return full
}

func (t *tester) append(facts ...store.Fact) {
	t.Helper()
	if err := t.a.Append(t.Context(), facts); err != nil {
		t.Fatalf("Append of %d facts: %v: these facts can be stored", len(facts), err)
	}
}

// oneByOne appends each fact in a batch of its own.
func (t *tester) oneByOne(facts ...store.Fact) {
	t.Helper()
	for _, f := range facts {
		t.append(f)
	}
}

func (t *tester) session(id string) store.Record {
	t.Helper()
	r, ok, err := t.a.Session(t.Context(), id)
	if err != nil || !ok {
		t.Fatalf("Session(%q) = %v, %v: it was begun, so it is there, ended or not", id, ok, err)
	}
	return r
}

func (t *tester) order(id string) store.Order {
	t.Helper()
	o, ok, err := t.a.Order(t.Context(), id)
	if err != nil || !ok {
		t.Fatalf("Order(%q) = %v, %v: it was placed, so it is there", id, ok, err)
	}
	return o
}

func (t *tester) refund(id string) store.Refund {
	t.Helper()
	r, ok, err := t.a.Refund(t.Context(), id)
	if err != nil || !ok {
		t.Fatalf("Refund(%q) = %v, %v: it was recorded, so it is there", id, ok, err)
	}
	return r
}

func (t *tester) knowsCustomer(id string) bool {
	t.Helper()
	known, err := t.a.KnowsCustomer(t.Context(), id)
	if err != nil {
		t.Fatalf("KnowsCustomer(%q): %v", id, err)
	}
	return known
}

func (t *tester) events(sessionID string) []store.Event {
	t.Helper()
	events, err := t.a.Events(t.Context(), sessionID, 100_000)
	if err != nil {
		t.Fatalf("Events(%q): %v", sessionID, err)
	}
	return events
}

func (t *tester) eventIDs(sessionID string) []string {
	t.Helper()
	ids := []string{}
	for _, e := range t.events(sessionID) {
		if e.SessionID != sessionID {
			t.Errorf("Events(%q) lists an event of session %q: each event names the session it is listed under", sessionID, e.SessionID)
		}
		ids = append(ids, e.EventID)
	}
	return ids
}

func (t *tester) sessions(f report.Filter) []string {
	t.Helper()
	if f.Limit == 0 {
		f.Limit = 100_000
	}
	sessions, err := t.a.Sessions(t.Context(), f)
	if err != nil {
		t.Fatalf("Sessions(%+v): %v", f, err)
	}
	return idsOf(sessions)
}

func idsOf(sessions []store.Session) []string {
	ids := []string{}
	for _, s := range sessions {
		ids = append(ids, s.SessionID)
	}
	return ids
}

// stats returns the figures of all time.
func (t *tester) stats() report.Stats {
	t.Helper()
	return t.statsOf(report.Window{Now: at(0), Today: at(0)})
}

func (t *tester) statsOf(w report.Window) report.Stats {
	t.Helper()
	s, err := t.a.Stats(t.Context(), w)
	if err != nil {
		t.Fatalf("Stats: %v", err)
	}
	return s
}

// changes reads the feed from a cursor to its end, in pages.
func (t *tester) changes(after int64) (changes []store.CredentialChange, cursor int64) {
	t.Helper()
	for {
		page := t.page(after, 100)
		changes = append(changes, page.Changes...)
		if page.Left == 0 || page.Next <= after {
			return changes, page.Next
		}
		after = page.Next
	}
}

func (t *tester) page(after int64, limit int) store.ChangesPage {
	t.Helper()
	page, err := t.a.CredentialChanges(t.Context(), after, limit)
	if err != nil {
		t.Fatalf("CredentialChanges(%d, %d): %v", after, limit, err)
	}
	return page
}

// want compares two values and, if they differ, explains the rule that was
// broken.
func (t *tester) want(got, want any, rule string, args ...any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s: %s", show(got), show(want), fmt.Sprintf(rule, args...))
	}
}

func show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case store.Record:
		return fmt.Sprintf("%s with credentials %s and values %s", show(v.Session), show(v.Credentials()), show(v.Values))
	case store.Credentials:
		return fmt.Sprintf("{version %d, hash %x…, superseded %x…, customer %q, authenticated %s, ended %s %s}",
			v.Version, v.SecretHash[:4], v.Superseded[:4], v.CustomerID, show(v.AuthenticatedAt), show(v.EndedAt), v.EndReason)
	case int, int64, bool, []any, fmt.Stringer:
		return fmt.Sprint(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}

// wantViews checks that the three places that show a session's page views agree.
func (t *tester) wantViews(sessionID string, views int64, rule string) {
	t.Helper()
	n := int64(0)
	for _, e := range t.events(sessionID) {
		if e.EventType == store.EventPageView {
			n++
		}
	}
	t.want(n, views, "page_view events of the session: %s", rule)
	t.want(t.session(sessionID).PageViews, views, "pageViews is the number of the session's page_view events: %s", rule)
}

// dump returns everything that can be read about some sessions and orders, for
// comparison.
func (t *tester) dump(sessions, orders []string) string {
	t.Helper()
	var b bytes.Buffer
	line := func(name string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		fmt.Fprintf(&b, "%s %s\n", name, text)
	}
	listed := t.sessions(report.Filter{})
	line("listed", listed)
	for _, id := range sessions {
		r, ok, err := t.a.Session(t.Context(), id)
		if err != nil {
			t.Fatalf("Session: %v", err)
		}
		line("session", []any{ok, r.Session, show(r.Credentials()), r.Values})
		line("events", t.events(id))
	}
	for _, id := range orders {
		o, ok, err := t.a.Order(t.Context(), id)
		if err != nil {
			t.Fatalf("Order: %v", err)
		}
		line("order", []any{ok, o})
	}
	line("stats", t.stats())
	changes, _ := t.changes(0)
	line("changes", changes)
	return b.String()
}

// wantSame compares two dumps line by line.
func (t *tester) wantSame(got, want, rule string) {
	t.Helper()
	g, w := bytes.Split([]byte(got), []byte("\n")), bytes.Split([]byte(want), []byte("\n"))
	for i := range max(len(g), len(w)) {
		var x, y []byte
		if i < len(g) {
			x = g[i]
		}
		if i < len(w) {
			y = w[i]
		}
		if !bytes.Equal(x, y) {
			t.Errorf("%s:\n\tgot  %s\n\twant %s", rule, x, y)
		}
	}
}
