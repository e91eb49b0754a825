package archivetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/footfall-go/footfall/store"
)

// randomHistory sends a random history like a projector that crashes, repeats
// batches and is cut off. It compares the result with the model.
func randomHistory(t *tester, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 20260314))
	log := randomFacts(rnd, t.of(60, 40)+rnd.IntN(t.of(400, 100)))
	m := newModel()
	for _, f := range log {
		m.apply(f)
	}
	largest, crashes := 1+rnd.IntN(120), 0
	var days watch
	for at := 0; at < len(log); {
		batch := log[at:min(at+1+rnd.IntN(largest), len(log))]
		switch rnd.IntN(6) {
		case 0: // the batch is sent twice
			t.append(batch...)
		case 1: // the batch is cut off
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(t.of(3000, 40_000)))*time.Microsecond)
			if err := t.a.Append(ctx, batch); errors.Is(err, store.ErrRejected) {
				t.Errorf("seed %d: a cancelled Append: %v: that is a failure to be tried again", seed, err)
			}
			cancel()
		case 2: // a crash after a batch was stored and before it was confirmed
			at += len(batch)
			t.append(batch...)
			if crashes++; crashes < 8 {
				at = max(0, at-rnd.IntN(60))
			}
			continue
		}
		t.append(batch...)
		at += len(batch)
		if rnd.IntN(t.of(2, 6)) == 0 {
			days.look(t, fmt.Sprintf("seed %d, behind fact %d", seed, at))
		}
	}
	rule := fmt.Sprintf("seed %d, %d facts in batches of up to %d", seed, len(log), largest)
	m.compare(t, rule)
	m.compareDays(t, rule)
	days.look(t, rule)
	from := rnd.IntN(len(log))
	t.append(log[from:]...)
	m.compare(t, fmt.Sprintf("%s, and again from fact %d on", rule, from))
}

// randomFacts returns a history of n facts. A session's facts follow its
// SessionBegun. As in the tracker, only sessions whose cookie came back have
// others folded into them, and all others are folded at most once.
func randomFacts(rnd *rand.Rand, n int) (log []store.Fact) {
	sessions, ms, id := 0, toMidnight-n, 0 // about half of it is on the next day
	customer := func() string { return fmt.Sprintf("c%d", rnd.IntN(3)) }
	versions := map[int]int{}
	returned, gone, silent := map[int]bool{}, map[int]bool{}, map[int]bool{}
	begin := func() {
		sessions++
		b := begun(sessions, ms)
		b.VisitorID = vid(1 + rnd.IntN(1+sessions))
		b.LandingPage = fmt.Sprintf("/%d", sessions)
		if rnd.IntN(5) == 0 {
			b.CustomerID, b.AuthenticatedAt = customer(), at(ms-rnd.IntN(30))
		}
		if rnd.IntN(3) == 0 {
			b.Values = map[string]store.Value{"k0": {JSON: json.RawMessage(`"first"`), Keep: rnd.IntN(2) == 0}}
		}
		versions[sessions] = ms
		log = append(log, b)
	}
	begin()
	for len(log) < n {
		ms += 1 + rnd.IntN(5)
		id++
		s := 1 + rnd.IntN(sessions)
		if rnd.IntN(2) == 0 {
			s = max(1, sessions-rnd.IntN(3)) // most activity is in young sessions
		}
		if silent[s] {
			continue
		}
		switch k := rnd.IntN(100); {
		case k < 10:
			begin()
		case k < 45:
			log = append(log, view(s, id, ms))
		case k < 55:
			log = append(log, event(s, id, store.EventAddToCart, ms))
		case k < 60:
			log = append(log, seen(s, ms))
		case k < 68:
			version := ms
			if rnd.IntN(4) == 0 { // a client that was slow
				version = max(0, versions[s]-rnd.IntN(20))
			}
			versions[s] = max(versions[s], version)
			f := login(s, version, customer(), ms-rnd.IntN(40))
			if rnd.IntN(4) == 0 {
				f = end(s, version, customer(), ms-rnd.IntN(40), store.EndLogout)
			}
			log = append(log, f)
		case k < 72:
			log = append(log, revoked(customer(), ms))
		case k < 78:
			text := fmt.Sprintf(`{"n":%d}`, id)
			if rnd.IntN(3) == 0 {
				text = ""
			}
			log = append(log, value(s, fmt.Sprintf("k%d", rnd.IntN(3)), text, ms))
		case k < 82:
			n := rnd.IntN(8)
			o := order(fmt.Sprintf("o%d", n), s*rnd.IntN(2), 100+n, ms)
			if rnd.IntN(6) == 0 {
				o.Total.Amount = int64(1000 + id) // another sale under a used id, mostly
			}
			if rnd.IntN(2) == 0 {
				o.CustomerID, o.Metadata = customer(), json.RawMessage(fmt.Sprintf(`{"n":%d}`, id))
			}
			log = append(log, o)
		case k < 85:
			n := rnd.IntN(8)
			log = append(log, refund(fmt.Sprintf("r%d", n), fmt.Sprintf("o%d", n%4), s*rnd.IntN(2), 1+id%7, ms))
		case k < 87:
			log = append(log, bot(id, ms, "user_agent"))
		case k < 88:
			log = append(log, &store.VisitsUncounted{EventID: eid(id), Minute: at(ms).Truncate(time.Minute), Bots: id%2 == 0, Reason: "cap", Count: int64(1 + id%9)})
		case k < 95:
			folded := sessions // the youngest session, in which nobody has logged in yet
			if gone[s] || returned[folded] || gone[folded] || s == folded {
				continue
			}
			returned[s], gone[folded], silent[folded] = true, true, rnd.IntN(3) > 0
			log = append(log, fold(s, folded))
		default: // a fact from before, again
			if f := log[rnd.IntN(len(log))]; !silent[sessionOf(f)] {
				if _, ok := f.(*store.SessionsFolded); !ok {
					log = append(log, f)
				}
			}
		}
	}
	return log
}

// sessionOf returns the number of the session that a fact concerns, 0 if none.
func sessionOf(fact store.Fact) (n int) {
	var id string
	switch f := fact.(type) {
	case *store.EventRecorded:
		id = f.SessionID
	case *store.SessionSeen:
		id = f.SessionID
	case *store.CredentialsChanged:
		id = f.SessionID
	case *store.ValueSet:
		id = f.SessionID
	case *store.OrderPlaced:
		id = f.SessionID
	case *store.OrderRefunded:
		id = f.SessionID
	}
	if id != "" {
		if _, err := fmt.Sscanf(id[len(id)-12:], "%x", &n); err != nil {
			panic(err) // all these ids were made by sid
		}
	}
	return n
}
