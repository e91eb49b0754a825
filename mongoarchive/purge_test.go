package mongoarchive_test

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/store"
)

// What one session has keeps nothing else from being deleted: each call deletes a part of
// it, and of all else.
func TestPurge_DeletesABigSessionInSteps(t *testing.T) {
	const atOnce, events = 20, 110
	t.Cleanup(mongoarchive.SetPurgeEvents(atOnce))
	uri := database(t, testserver.MongoDB(t))
	a := open(t, uri)
	mustAppend(t, a, repeated(3, func(s int) []store.Fact {
		return append([]store.Fact{begun(s + 1)}, repeated(events, func(i int) []store.Fact { return []store.Fact{view(s+1, fmt.Sprint("e-", s, "-", i))} })...)
	})...)
	mustAppend(t, a, view(9, "e-unknown")) // of a session that is not there
	horizon := began.Add(time.Hour)
	left := func(collection string) int64 {
		n, err := raw(t, uri, collection).CountDocuments(t.Context(), bson.M{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	calls := 0
	for n := 1; n > 0; calls++ {
		before := left("session_events")
		var err error
		if n, err = a.Purge(t.Context(), time.Now(), horizon, horizon, 10); err != nil {
			t.Fatal(err)
		}
		if gone := before - left("session_events"); gone > 2*atOnce {
			t.Fatalf("one call deleted %d events, want at most %d of sessions and as many of those that are not there", gone, atOnce)
		}
		if calls == 0 && left("visitors") != 0 {
			t.Error("visitors wait until the events of a big session are deleted")
		}
		if calls > 100 {
			t.Fatal("Purge comes to no end")
		}
	}
	if want := 3 * events / atOnce; calls < want {
		t.Errorf("%d calls, want at least %d", calls, want)
	}
	for _, collection := range []string{"sessions", "session_events", "visitors", "unknown_sessions"} {
		if n := left(collection); n != 0 {
			t.Errorf("%s has %d documents when there is nothing left to delete", collection, n)
		}
	}
}
