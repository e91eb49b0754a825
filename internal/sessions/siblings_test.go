package sessions

import (
	"testing"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// A session whose cookie came back is no lost sibling, also if its entry had left this
// process in the meantime, and whichever store it was read from.
func TestFind_ACookieThatComesBackIsSeen(t *testing.T) {
	for _, from := range []string{"the hot store", "the archive, while the hot store fails"} {
		t.Run(from, func(t *testing.T) {
			w := open(t)
			token := newToken()
			rec := record(token)
			watched := w.Begin(token.ID, rec, live.SiblingKey{Visitor: rec.VisitorID})
			w.Announce(t.Context(), watched)
			w.table.Remove(token.ID)
			if from != "the hot store" {
				w.archived(t, rec)
				w.hot.err = errDown
			}
			if _, standing, _ := w.find(token, ToCount); standing != Current {
				t.Fatalf("the session is found as %v, want Current", standing)
			}
			if !watched.CookieSeen() {
				t.Error("the cookie of a session came back, and its siblings do not know: it would be folded as one whose browser dropped it")
			}
		})
	}
}

// Another instance served a session's cookie, and its clock is behind: the session's views
// say so, of which the first stands in the document.
func TestFold_NoneWhoseCookieAnotherInstanceServed(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		w := open(t)
		begin := func() *live.Entry {
			token := newToken()
			rec := record(token)
			e := w.Begin(token.ID, rec, live.SiblingKey{Visitor: rec.VisitorID})
			w.Record(t.Context(), e, &store.EventRecorded{Event: store.Event{
				EventID: newToken().ID.String(), SessionID: rec.SessionID, VisitorID: rec.VisitorID, EventType: store.EventPageView, CreatedAt: rec.StartedAt}})
			return e
		}
		target, lost := begin(), begin()
		if elsewhere {
			merged, err := w.hot.Merge(t.Context(), lost.SessionID(), lost.Document().Series, "another.1", store.Activity{Views: 1, LastSeen: lost.StartedAt().UnixMilli() - 1}, store.DefaultIdle)
			if err != nil || !merged {
				t.Fatal(merged, err)
			}
		}
		if !w.foldOne(t.Context(), target, lost) {
			t.Fatal("it cannot be found out whether the session is to be folded")
		}
		if folded := w.folded.Load() > 0; folded == elsewhere {
			t.Errorf("a session is folded: %v; another instance served its cookie: %v", folded, elsewhere)
		}
	}
}
