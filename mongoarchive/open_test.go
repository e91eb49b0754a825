package mongoarchive_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/store"
)

func TestOpen_InvalidURI(t *testing.T) {
	for _, uri := range []string{
		"", "footfall", "postgres://user:hunter2secret@host/db", "mongodb://", "mongodb://user:hunter2secret@/db", "mongodb://user:hunter2secret@host:port/db",
		"mongodb://user:hunter2secret/with/slashes@host/db", "mongodb://user:hunter2@secret@host/db", "mongodb://user:hunter2secret%zz@host/db",
		"mongodb://user:hunter2secret@host/a b", "mongodb://user:hunter2secret@host/a.b", "mongodb://user:hunter2secret@host/db?w=%zz", "mongodb://user:hunter2secret@host/db?authMechanism=no\nsuch",
		"mongodb://host/db?tls=true&tlsInsecure=maybe",
	} {
		a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.Options{})
		if err == nil {
			a.Close()
			t.Errorf("Open(%q) succeeded: a wrong URI fails at once", uri)
			continue
		}
		text := err.Error()
		if strings.Contains(text, "hunter2") || strings.Contains(text, "secret@") || strings.Contains(text, "\n") || !strings.Contains(text, "MONGODB_URI") {
			t.Errorf("Open(%q) = %q: want one line that names the setting and shows nothing of the password", uri, text)
		}
	}
}

func TestOpen_RefusesANegativeAge(t *testing.T) {
	if a, err := mongoarchive.Open(t.Context(), "mongodb://127.0.0.1:1/shop", mongoarchive.Options{MaxAge: -time.Hour}); err == nil || !strings.Contains(err.Error(), "Options.MaxAge") {
		t.Errorf("a negative MaxAge gives %v, %v; want an error that names it: revocations would be forgotten at once", a, err)
	}
}

func TestOpen_NeedsNoServer(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		testserver.MongoDBNowhere(t) + "/shop", testserver.MongoDBNowhere(t), "mongodb://user:p%40ss@127.0.0.1:1,127.0.0.1:2/shop?replicaSet=rs0&authSource=admin",
		"mongodb+srv://user:hunter2secret@cluster0.footfall.invalid/shop", // no name service either
	} {
		a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.Options{})
		if err != nil {
			t.Errorf("Open(%q): %v: an instance starts in an outage", uri, err)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := a.Check(ctx); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Check without a server: %v: want one line without a password", err)
		}
		cancel()
		start := time.Now()
		if err := a.Close(); err != nil || time.Since(start) > 4*time.Second {
			t.Errorf("Close without a server: %v after %v", err, time.Since(start).Round(time.Millisecond))
		}
	}
}

func TestOpen_NewerVersion(t *testing.T) {
	uri := database(t, testserver.MongoDB(t))
	mustAppend(t, open(t, uri), begun(1))
	if _, err := raw(t, uri, "meta").UpdateOne(t.Context(), bson.M{"_id": "schema"}, bson.M{"$set": bson.M{"version": int64(999)}}); err != nil {
		t.Fatal(err)
	}
	a := open(t, uri)
	for name, err := range map[string]error{"Append": a.Append(t.Context(), []store.Fact{begun(2)}), "Check": a.Check(t.Context())} {
		if !errors.Is(err, mongoarchive.ErrNewer) || errors.Is(err, store.ErrRejected) || !strings.Contains(fmt.Sprint(err), "999") {
			t.Errorf("%s of a newer database: %v: it is refused with ErrNewer, and nothing is thrown away", name, err)
		}
	}
	if n, err := a.SessionsBegun(t.Context(), began); err != nil || n != 1 {
		t.Errorf("a newer database has %d sessions, %v: it must be left alone", n, err)
	}
}

func TestArchive_Describe(t *testing.T) {
	a := open(t, testserver.MongoDB(t).URI())
	text, err := a.Describe(t.Context())
	if err != nil || !strings.Contains(text, "FerretDB") || !strings.Contains(text, "standalone") || !strings.HasSuffix(text, "database footfall") || strings.Contains(text, "\n") {
		t.Errorf("Describe = %q, %v", text, err)
	}
	now, err := a.Now(t.Context())
	if d := time.Since(now).Abs(); err != nil || d > 5*time.Second {
		t.Errorf("Now = %v, %v: off by %v", now, err, d)
	}
	for range 2 {
		if err := a.Check(t.Context()); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
}

// Every write waits for a majority. No write needs a transaction or a server-side
// aggregation.
func TestArchive_Commands(t *testing.T) {
	uri := database(t, testserver.MongoDB(t))
	var mu sync.Mutex
	commands := map[string][]bson.Raw{}
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		mu.Lock()
		defer mu.Unlock()
		commands[e.CommandName] = append(commands[e.CommandName], append(bson.Raw(nil), e.Command...))
	}}
	a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.WithMonitor(mongoarchive.Options{}, monitor))
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, a, begun(1), view(1, "e-1"), begun(2), view(2, "e-2"), login(1, "c", 5), &store.CustomerRevoked{CustomerID: "c", Before: began},
		&store.ValueSet{SessionID: sessionID(1), Key: "k", Value: store.Value{JSON: []byte("1")}, At: began},
		&store.OrderPlaced{EventID: "e-3", Order: store.Order{OrderID: "o", SessionID: sessionID(1), CreatedAt: began}},
		&store.SessionsFolded{Into: sessionID(1), Folded: sessionID(2), Visitor: visitorID(1)}, view(2, "e-4"))
	for name, call := range calls(a) {
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, name := range []string{"insert", "update", "delete", "find"} {
		if len(commands[name]) == 0 {
			t.Errorf("no %s was sent", name)
		}
	}
	for name, sent := range commands {
		for _, command := range sent {
			text := command.String()
			if len(text) > 300 {
				text = text[:300] + "…"
			}
			switch name {
			case "insert", "update", "delete":
				if w, _ := command.Lookup("writeConcern", "w").StringValueOK(); w != "majority" {
					t.Errorf("%s: a write that no majority confirms", text)
				}
			case "findAndModify", "distinct", "mapReduce":
				t.Errorf("%s: a command that is not to be used", text)
			case "aggregate":
				if !slices.ContainsFunc([]string{
					`{"$group": {"_id": {"$numberInt":"1"},"n": {"$sum": {"$numberInt":"1"}}}}]`, `{"$group": {"_id": "$orderId","n": {"$sum": `, `{"$group": {"_id": "$visitorId"}}]`, `{"$group": {"_id": "$visitorId"}},{"$count": "n"}]`,
				}, func(group string) bool { return strings.Contains(command.String(), group) }) {
					t.Errorf("%s: an aggregation that is no count, no sum of refunds and no list or count of visitors", text)
				}
			}
			for _, field := range []string{"startTransaction", "autocommit", "txnNumber"} {
				if _, err := command.LookupErr(field); err == nil {
					t.Errorf("%s: it has %s", text, field)
				}
			}
			for _, operator := range []string{`"$inc"`, `"$lookup"`, `"$facet"`, `"partialFilterExpression"`, `"expireAfterSeconds"`, `"unique"`} {
				if strings.Contains(command.String(), operator) {
					t.Errorf("%s: it has %s", text, operator)
				}
			}
		}
	}
	majority := 0
	for _, command := range commands["find"] {
		if level, _ := command.Lookup("readConcern", "level").StringValueOK(); level == "majority" {
			majority++
		}
	}
	if majority < 3 { // Session, Order, CredentialChanges
		t.Errorf("%d reads see only what a majority has, want those of Session, Order and CredentialChanges", majority)
	}
}
