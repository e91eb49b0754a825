package mongoarchive_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/store"
)

// A customer may press "log me out everywhere else" as often as they like. Facts of
// theirs stand in batches beside those of somebody who logged in long before.
func TestAppend_ReadsNoRevocationsFromBeforeALogin(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	bytes := func(revocations int) (n int64) {
		var read atomic.Int64
		a, err := mongoarchive.Open(t.Context(), database(t, server), mongoarchive.WithMonitor(mongoarchive.Options{}, &event.CommandMonitor{
			Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) { read.Add(int64(len(e.Reply))) },
		}))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		long := began.Add(time.Hour)
		mustAppend(t, a, begun(1), begun(2), begun(3))
		mustAppend(t, a, repeated(revocations, func(i int) []store.Fact {
			return []store.Fact{&store.CustomerRevoked{CustomerID: "often", Before: began.Add(time.Duration(i+1) * time.Second)}}
		})...)
		often, before := login(2, "often", 10), begun(3)
		often.Cred.AuthenticatedAt = long
		before.CustomerID, before.AuthenticatedAt = "long ago", began
		again := begun(2)
		again.CustomerID, again.AuthenticatedAt = "often", long
		read.Store(0)
		mustAppend(t, a, login(1, "long ago", 10), often, before, again, &store.CustomerRevoked{CustomerID: "often", Before: long.Add(time.Hour)})
		return read.Load()
	}
	few, many := bytes(10), bytes(1000)
	if many > few+1000 {
		t.Errorf("a batch reads %d bytes if a customer was logged out everywhere 10 times before, and %d if 1,000 times: a customer can make each batch of everybody take longer", few, many)
	}
}
