package mongoarchive_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/store"
)

var databases atomic.Int64

// database returns the URI of an empty database that is dropped when the test
// ends. It allows one connection, because FerretDB is slower with more.
func database(t testing.TB, server *testserver.MongoDBServer) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	t.Cleanup(func() {
		if server.PID() == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := connect(t, server.URI()).Database(name).Drop(ctx); err != nil {
			t.Error(err)
		}
	})
	return server.URI() + "/" + name + "?maxPoolSize=1"
}

// connect returns a client that bypasses the package, as another program would.
func connect(t testing.TB, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) })
	return client
}

// open opens an archive and closes it when the test ends.
func open(t testing.TB, uri string) *mongoarchive.Archive {
	t.Helper()
	a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func mustAppend(t testing.TB, a *mongoarchive.Archive, facts ...store.Fact) {
	t.Helper()
	if err := a.Append(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
}
