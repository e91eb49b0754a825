package sqlitearchive

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// Whatever happens to sessions, and however many may be remembered, the result is
// the number of active visitors that a look at all sessions finds.
func TestActiveVisitors_AreThoseOfAllSessions(t *testing.T) {
	for _, most := range []int{5, 40, maxRecent} {
		t.Run(fmt.Sprintf("at most %d remembered", most), func(t *testing.T) {
			w := &activeWorld{T: t, random: rand.New(rand.NewPCG(1, uint64(most))), path: filepath.Join(t.TempDir(), "footfall.db"), start: time.Now().Truncate(time.Millisecond)}
			w.open(most)
			for range 120 {
				w.step(most)
				w.compare()
			}
			if err := w.a.Close(); err != nil {
				t.Fatal(err)
			}
			if most == maxRecent && w.remembered < 50 {
				t.Errorf("only %d of the answers came from what is remembered: the test does not test", w.remembered)
			}
		})
	}
}

type activeWorld struct {
	*testing.T
	random     *rand.Rand
	path       string
	a          *Archive
	start      time.Time
	now        time.Duration // since the start
	sessions   []string
	remembered int
}

func (w *activeWorld) open(most int) {
	w.Helper()
	a, err := Open(w.path, Options{})
	if err != nil {
		w.Fatal(err)
	}
	a.opened.Load().recent.most, a.opened.Load().recent.rest = most, 0
	w.a = a
}

func (w *activeWorld) at() time.Time { return w.start.Add(w.now) }

func (w *activeWorld) some() string { return w.sessions[w.random.IntN(len(w.sessions))] }

// step makes something happen to sessions.
func (w *activeWorld) step(most int) {
	w.Helper()
	w.now += time.Duration(w.random.IntN(20)) * time.Second
	var facts []store.Fact
	for range 1 + w.random.IntN(4) {
		n := len(w.sessions)
		kind := w.random.IntN(9)
		if n < 3 {
			kind = 0
		}
		switch kind {
		case 0, 1:
			id := fmt.Sprintf("session-%d", n)
			r := store.Record{Session: store.Session{SessionID: id, VisitorID: fmt.Sprintf("visitor-%d", n/2), StartedAt: w.at(), LastSeenAt: w.at()}}
			r.Version = 1
			facts = append(facts, &store.SessionBegun{Record: r})
			w.sessions = append(w.sessions, id)
		case 2:
			late := time.Duration(w.random.IntN(600)) * time.Second // it waited in a journal
			facts = append(facts, &store.SessionSeen{SessionID: w.some(), At: w.at().Add(-late)})
		case 3:
			ahead := time.Duration(w.random.IntN(3600)) * time.Second // a clock was wrong
			facts = append(facts, &store.SessionSeen{SessionID: w.some(), At: w.at().Add(ahead)})
		case 4:
			facts = append(facts, &store.SessionsFolded{Folded: w.some(), Into: w.some(), Visitor: "visitor-0"})
		case 5: // a folded one is taken out again
			facts = append(facts, &store.ValueSet{SessionID: w.some(), Key: "k", Value: store.Value{JSON: []byte("1")}, At: w.at()})
		case 6:
			if _, err := w.a.Purge(w.Context(), w.at().Add(-30*time.Minute), w.at().Add(-time.Hour), 10); err != nil {
				w.Fatal(err)
			}
		case 7: // it ends, by a clock that may be ahead
			ended := w.at().Add(time.Duration(w.random.IntN(3600)) * time.Second)
			facts = append(facts, &store.CredentialsChanged{SessionID: w.some(), Cred: store.Credentials{Version: int64(1 + w.random.IntN(5)), EndedAt: ended, EndReason: store.EndLogout}})
		case 8:
			if w.random.IntN(4) == 0 { // a new process
				if err := w.a.Close(); err != nil {
					w.Fatal(err)
				}
				w.open(most)
			}
		}
	}
	if err := w.a.Append(w.Context(), facts); err != nil && !errors.Is(err, store.ErrRejected) {
		w.Fatal(err)
	}
}

func (w *activeWorld) compare() {
	w.Helper()
	since := w.at().Add(-time.Duration(w.random.IntN(900)) * time.Second)
	if w.random.IntN(3) > 0 {
		since = w.at().Add(-5 * time.Minute)
	}
	got, err := w.a.ActiveVisitors(w.Context(), since)
	if err != nil {
		w.Fatal(err)
	}
	if _, known := w.a.opened.Load().recent.sessions(since.UnixMilli()); known {
		w.remembered++
	}
	var want int64
	if err := w.a.reader().QueryRowContext(w.Context(), countActive, since.Add(-w.a.lives.Absolute).UnixMilli(), since.UnixMilli()).Scan(&want); err != nil {
		w.Fatal(err)
	}
	if got != want {
		w.Fatalf("%d active visitors since %v, among all sessions there are %d", got, since.Sub(w.start), want)
	}
}
