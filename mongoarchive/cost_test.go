package mongoarchive_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	_ "modernc.org/sqlite"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/store"
)

// appendTime is how long the projector waits for one batch.
const appendTime = 30 * time.Second

// openCounted returns an archive and what counts the commands of a call.
func openCounted(t *testing.T, uri string) (*mongoarchive.Archive, func(func()) int) {
	t.Helper()
	var n atomic.Int64
	a := openHeard(t, uri, func(*event.CommandStartedEvent) { n.Add(1) })
	if err := a.Check(t.Context()); err != nil { // makes the indexes
		t.Fatal(err)
	}
	return a, func(call func()) int {
		n.Store(0)
		call()
		return int(n.Load())
	}
}

func euros(n int) store.Money { return store.Money{Amount: int64(n), Currency: "EUR"} }

func placedOrder(id string, session, ms int) *store.OrderPlaced {
	f := &store.OrderPlaced{EventID: "e-" + id, Order: store.Order{OrderID: id, Total: euros(5), CreatedAt: began.Add(time.Duration(ms) * time.Millisecond)}}
	if session != 0 {
		f.SessionID, f.VisitorID = sessionID(session), visitorID(session)
	}
	return f
}

func refunded(id, order string) *store.OrderRefunded {
	return &store.OrderRefunded{RefundID: id, OrderID: order, EventID: "e-" + id, Amount: euros(1), At: began.Add(time.Second)}
}

func valueSet(session int, key string, ms int) *store.ValueSet {
	return &store.ValueSet{SessionID: sessionID(session), Key: key, Value: store.Value{JSON: json.RawMessage("1")}, At: began.Add(time.Duration(ms) * time.Millisecond)}
}

func folded(into, session int) *store.SessionsFolded {
	return &store.SessionsFolded{Into: sessionID(into), Folded: sessionID(session), Visitor: visitorID(into)}
}

func repeated(n int, f func(i int) []store.Fact) (facts []store.Fact) {
	for i := range n {
		facts = append(facts, f(i)...)
	}
	return facts
}

// each calls a function with the number of an existing session for each i.
func each(f func(i, session int) store.Fact) func(i int) []store.Fact {
	return func(i int) []store.Fact { return []store.Fact{f(i, i+2)} }
}

// kinds are batches of n facts of one kind, about sessions 1 to n+1, and what is stored
// before.
var kinds = map[string]struct {
	before, facts func(i int) []store.Fact
}{
	"beginnings": {nil, func(i int) []store.Fact { return []store.Fact{begun(1_000_000 + i)} }},
	"logged_in_at_once": {nil, func(i int) []store.Fact {
		f := begun(1_000_000 + i)
		f.CustomerID, f.AuthenticatedAt = "c", began
		return []store.Fact{f}
	}},
	"page_views": {nil, each(func(i, s int) store.Fact { return view(s, fmt.Sprint("e-", i)) })},
	"views_of_one_session": {nil, func(i int) []store.Fact {
		return []store.Fact{view(1, fmt.Sprint("e-", i))}
	}},
	"sessions_seen": {nil, each(func(_, s int) store.Fact {
		return &store.SessionSeen{SessionID: sessionID(s), At: began.Add(time.Second)}
	})},
	"values": {nil, each(func(_, s int) store.Fact { return valueSet(s, "k", 5) })},
	"values_of_one_session": {nil, func(i int) []store.Fact {
		return []store.Fact{valueSet(1, fmt.Sprint("k", i%20), i)}
	}},
	"values_of_nobody": {nil, func(i int) []store.Fact { return []store.Fact{valueSet(2_000_000+i, "k", 5)} }},
	"logins":           {nil, each(func(i, s int) store.Fact { return login(s, fmt.Sprint("c-", i), 5) })},
	"logins_and_logouts_of_one_session": {nil, func(i int) []store.Fact {
		f := login(1, "c", 5+i)
		if i%2 == 1 {
			f.Cred.EndedAt, f.Cred.EndReason = began.Add(time.Second), store.EndLogout
		}
		return []store.Fact{f}
	}},
	"revocations": {nil, func(i int) []store.Fact {
		return []store.Fact{&store.CustomerRevoked{CustomerID: fmt.Sprint("c-", i), Before: began.Add(time.Hour)}}
	}},
	"orders_without_a_session": {nil, func(i int) []store.Fact { return []store.Fact{placedOrder(fmt.Sprint("o-", i), 0, i)} }},
	"orders":                   {nil, each(func(i, s int) store.Fact { return placedOrder(fmt.Sprint("o-", i), s, i) })},
	"orders_of_one_session":    {nil, func(i int) []store.Fact { return []store.Fact{placedOrder(fmt.Sprint("o-", i), 1, i)} }},
	"orders_again": {
		func(i int) []store.Fact { return []store.Fact{placedOrder(fmt.Sprint("o-", i), 0, i)} },
		each(func(i, s int) store.Fact { f := placedOrder(fmt.Sprint("o-", i), s, i); f.VisitorID = ""; return f }),
	},
	"refunds": {
		func(i int) []store.Fact { return []store.Fact{placedOrder(fmt.Sprint("o-", i), 0, i)} },
		func(i int) []store.Fact { return []store.Fact{refunded(fmt.Sprint("r-", i), fmt.Sprint("o-", i))} },
	},
	"refunds_of_one_order": {nil, func(i int) []store.Fact { return []store.Fact{refunded(fmt.Sprint("r-", i), "o")} }},
	"folds":                {nil, each(func(_, s int) store.Fact { return folded(1, s) })},
	"folds_and_facts": {nil, func(i int) []store.Fact {
		return []store.Fact{folded(1, i+2), view(i+2, fmt.Sprint("e-", i)), folded(1, i+2)}
	}},
	"folded_sessions_that_come_back": {
		each(func(_, s int) store.Fact { return folded(1, s) }),
		each(func(i, s int) store.Fact { return view(s, fmt.Sprint("e-", i)) }),
	},
	"bots": {nil, func(i int) []store.Fact {
		return []store.Fact{&store.BotSeen{EventID: fmt.Sprint("b-", i), Reason: "user_agent", At: began}, &store.VisitsUncounted{EventID: fmt.Sprint("u-", i), Minute: began, Reason: "cap", Count: 1}}
	}},
}

// Behind 60 ms a command, a batch that takes a command for each of its facts is never
// stored in the time that the projector has for it: nothing of anybody is stored then.
func TestAppend_TakesNoMoreCommandsForMoreFacts(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			commands := func(n int) int {
				a, counted := openCounted(t, database(t, server))
				mustAppend(t, a, repeated(n+1, func(i int) []store.Fact { return []store.Fact{begun(i + 1)} })...)
				if kind.before != nil {
					mustAppend(t, a, repeated(n, kind.before)...)
				}
				return counted(func() { mustAppend(t, a, repeated(n, kind.facts)...) })
			}
			few, many := commands(25), commands(60)
			t.Logf("%d commands", many)
			if many > few {
				t.Errorf("60 take %d commands, 25 take %d: what fits into one command of each kind takes as many, however many facts it is", many, few)
			}
			if limit := int(appendTime/(60*time.Millisecond)) / 8; many > limit {
				t.Errorf("60 take %d commands: 4,000 of them, behind 60 ms a command, are far within %v when these are at most %d", many, appendTime, limit)
			}
		})
	}
}

// The distance is real here: 30 ms in each direction, and the time of the projector.
func TestAppend_PassesToAServerFarAway(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	uri := database(t, server)
	proxy := testserver.Proxy(t, strings.TrimPrefix(server.URI(), "mongodb://"))
	a := open(t, strings.Replace(uri, strings.TrimPrefix(server.URI(), "mongodb://"), proxy.Addr(), 1))
	mustAppend(t, a, begun(1), begun(2))
	proxy.SetDelay(30 * time.Millisecond)
	for what, facts := range map[string][]store.Fact{
		"700 values of one visitor": repeated(700, func(i int) []store.Fact { return []store.Fact{valueSet(1, fmt.Sprint("k", i%20), i)} }),
		"500 orders of one session": repeated(500, func(i int) []store.Fact { return []store.Fact{placedOrder(fmt.Sprint("o-", i), 2, i)} }),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), appendTime)
		if err := a.Append(ctx, facts); err != nil {
			t.Errorf("%s behind 60 ms a command: %v: the projector gives up after %v and tries the same again, for ever", what, err, appendTime)
		}
		cancel()
	}
}

// What bots did, and visits past the cap, are what strangers can send without end.
func TestAppend_StoresWhatPeopleDidThoughBotsCannotBeStored(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	uri := database(t, server)
	a := open(t, uri)
	bot := func(id string) *store.BotSeen { return &store.BotSeen{EventID: id, Reason: "user_agent", At: began} }
	cap := func(id string, count int64) *store.VisitsUncounted {
		return &store.VisitsUncounted{EventID: id, Minute: began, Reason: "cap", Count: count}
	}
	mustAppend(t, a, bot("b-1"), cap("u-1", 1))
	wantStored := func(id, state string) {
		t.Helper()
		err := a.Append(t.Context(), []store.Fact{bot("b-" + id), begun(1), placedOrder(id, 1, 5), cap("u-"+id, 2)})
		if err == nil {
			t.Errorf("Append while %s succeeded: an error says that not all is stored, so that it is tried again", state)
		}
		if _, ok, orderErr := a.Order(t.Context(), id); !ok || orderErr != nil {
			t.Errorf("order %s after %v while %s: %v, %v: bots are stored last, and keep no order out", id, err, state, ok, orderErr)
		}
		if s, _, _ := a.Session(t.Context(), sessionID(1)); s.OrderID != id {
			t.Errorf("the session's order while %s is %q, want %q: whatever concerns people is stored", state, s.OrderID, id)
		}
	}
	damage(t, server, uri, "bot_views")
	wantStored("o-1", "the collection of bots is damaged")
	if n, err := raw(t, uri, "uncounted_visits").CountDocuments(t.Context(), map[string]any{"eventId": "u-o-1"}); n != 1 || err != nil {
		t.Errorf("%d aggregates of visits past the cap, %v: a damaged collection keeps nothing out of another", n, err)
	}
	again := open(t, uri)
	if err := again.Append(t.Context(), []store.Fact{placedOrder("o-2", 1, 4)}); err != nil {
		t.Errorf("an order after a start while the collection of bots is damaged: %v: an archive starts without it", err)
	}
	if _, err := again.Purge(t.Context(), time.Now(), began.Add(-time.Hour), began.Add(-time.Hour), 10); err == nil {
		t.Error("Purge succeeded though the collection of bots is damaged")
	}
	damage(t, server, uri, "uncounted_visits")
	wantStored("o-3", "both collections are damaged")
}

// damage removes a collection's table under the running server.
func damage(t *testing.T, server *testserver.MongoDBServer, uri, collection string) {
	t.Helper()
	path, _, _ := strings.Cut(uri[strings.LastIndex(uri, "/")+1:], "?")
	db, err := sql.Open("sqlite", filepath.Join(server.Dir(), path+".sqlite")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var table string
	if err := db.QueryRowContext(t.Context(), `SELECT table_name FROM _ferretdb_collections WHERE name = ?`, collection).Scan(&table); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), fmt.Sprintf(`DROP TABLE %q`, table)); err != nil {
		t.Fatal(err)
	}
}

// The sum of an order's refunds is counted anew with each batch that has one, so there
// is a bound on them.
func TestAppend_RefusesMoreRefundsOfAnOrderThanTheBound(t *testing.T) {
	t.Parallel()
	a := open(t, database(t, testserver.MongoDB(t)))
	facts := repeated(1000, func(i int) []store.Fact { return []store.Fact{refunded(fmt.Sprint("r-", i), "o")} })
	mustAppend(t, a, append(facts, placedOrder("o", 0, 1))...)
	if err := a.Append(t.Context(), []store.Fact{begun(1), refunded("r-more", "o")}); !errors.Is(err, store.ErrRejected) {
		t.Errorf("the 1001st refund of an order: %v: it is refused with ErrRejected, so that it is set aside", err)
	}
	if _, ok, err := a.Session(t.Context(), sessionID(1)); ok || err != nil {
		t.Errorf("a session of a refused batch = %v, %v: nothing of it is stored", ok, err)
	}
	mustAppend(t, a, facts[990:]...) // a replay
	mustAppend(t, a, refunded("r-other", "p"))
}
