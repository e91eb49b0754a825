package sessions

import (
	"testing"

	"github.com/footfall-go/footfall/internal/live"
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
