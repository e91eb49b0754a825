package mongoarchive_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/footfall-go/footfall/internal/testserver"
)

// A job asks every ten seconds, and strangers begin as many sessions as the cap lets them.
func TestActiveVisitors_TakesNoMoreMemoryForMore(t *testing.T) {
	uri := database(t, testserver.MongoDB(t))
	a := open(t, uri)
	now := bson.NewDateTimeFromTime(time.Now())
	stored := 0
	grow := func(n int) {
		var docs []any
		for ; stored < n; stored++ {
			docs = append(docs, bson.M{"_id": sessionID(stored), "sessionId": sessionID(stored), "visitorId": visitorID(stored - stored%2), "startedAt": now, "lastSeenAt": now})
		}
		docs = append(docs, bson.M{"_id": fmt.Sprint("nobody's ", n), "visitorId": nil, "startedAt": now, "lastSeenAt": now})
		if _, err := raw(t, uri, "sessions").InsertMany(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
	}
	bytes := func(visitors int64) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := a.ActiveVisitors(t.Context(), time.Now().Add(-time.Hour))
		runtime.ReadMemStats(&after)
		if err != nil || n != visitors {
			t.Errorf("ActiveVisitors = %d, %v, want %d", n, err, visitors)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	grow(20)
	_ = bytes(10) // makes the connection
	few := bytes(10)
	grow(4000)
	if many := bytes(2000); many > few+200_000 {
		t.Errorf("counting 2,000 visitors took %d bytes, and 10 took %d: every session is sent to this process", many, few)
	}
}
