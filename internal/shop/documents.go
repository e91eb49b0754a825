package shop

import (
	"context"
	"time"

	"github.com/footfall-go/footfall/store"
)

// documents are those of the login guard in a hot store, beside the sessions.
type documents struct{ hot store.HotStore }

// Read implements loginguard.Store.
func (d documents) Read(ctx context.Context, id string) (doc []byte, version int64, err error) {
	doc, version, _, err = d.hot.Read(ctx, id)
	return doc, version, err
}

// Put implements loginguard.Store.
func (d documents) Put(ctx context.Context, id string, doc []byte, previous, version int64, ttl time.Duration) (stored bool, err error) {
	return d.hot.Put(ctx, id, "login", doc, previous, version, ttl)
}
