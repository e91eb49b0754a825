// Package mongoarchive is a store.Archive in MongoDB, 5 to 8 and Atlas: for
// shops whose instances share an archive.
//
// Every write is one that changes nothing when it is done again, in any order:
// there are no transactions, and a batch that was cut off is sent once more.
// _id is the only unique key.
package mongoarchive

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// An Archive is a store.Archive and a report.Reader. It is safe for
// concurrent use.
type Archive struct {
	uri     string
	name    string // of the database
	maxAge  time.Duration
	monitor *event.CommandMonitor

	turn    chan struct{} // held by whoever connects
	conn    atomic.Pointer[connection]
	checked atomic.Int64 // Unix ms of the last write of Check that succeeded

	background context.Context // ends with Close
	stop       context.CancelFunc
	running    sync.WaitGroup

	mu          sync.Mutex
	preparation *preparation // the one under way, or the one that succeeded
}

// A preparation is that of the database: see connection.prepare.
type preparation struct {
	done chan struct{}
	err  error
}

// Options of [Open]. The zero value is ready for use.
type Options struct {
	// MaxAge is the longest that a session can be alive: default 24 hours.
	// Counting active visitors looks no further back than that, and the feed of
	// credential changes is kept for twice that time.
	MaxAge time.Duration

	monitor *event.CommandMonitor // sees each command, in tests
}

// A connection is the client and its view of the database for each purpose.
type connection struct {
	client  *mongo.Client
	write   *mongo.Database // what is written, and read in order to write
	decide  *mongo.Database // what lets somebody in: only what cannot be rolled back
	reports *mongo.Database // with the URI's read preference
}

const (
	selectionTimeout = 2 * time.Second  // a server that can be used is found by then
	connectTimeout   = 5 * time.Second  // of one connection
	patience         = 30 * time.Second // of a call whose context has no deadline
)

// ErrNewer says that a later version of Footfall has changed the database.
var ErrNewer = errors.New("made by a newer version of footfall: upgrade, or use another database in MONGODB_URI")

// Open prepares an archive in the database that the URI names, footfall if it
// names none. It waits for no server: indexes are made and the schema's version
// is checked at the first contact, before the first write. An error means that
// the URI is wrong.
func Open(ctx context.Context, uri string, o Options) (*Archive, error) {
	if o.MaxAge == 0 {
		o.MaxAge = 24 * time.Hour
	}
	name, err := databaseOf(uri)
	if err != nil {
		return nil, fmt.Errorf("mongoarchive: %w", err)
	}
	a := &Archive{uri: uri, name: name, maxAge: o.MaxAge, monitor: o.monitor, turn: make(chan struct{}, 1)}
	if err := a.connect(ctx); err != nil && !errors.Is(err, errResolve) {
		return nil, fmt.Errorf("mongoarchive: %w", err)
	}
	a.background, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.running.Go(a.prepareSoon)
	return a, nil
}

// connect makes the client. That needs no server, but for mongodb+srv:// the
// name service.
func (a *Archive) connect(ctx context.Context) error {
	if a.conn.Load() != nil {
		return nil
	}
	parsed := make(chan *options.ClientOptions, 1) // the parser takes no context
	go func() { parsed <- options.Client().ApplyURI(a.uri) }()
	var o *options.ClientOptions
	select {
	case o = <-parsed:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errResolve, ctx.Err())
	}
	if err := o.Validate(); err != nil {
		return invalid(a.uri, err)
	}
	if o.ServerSelectionTimeout == nil || *o.ServerSelectionTimeout > selectionTimeout {
		o.SetServerSelectionTimeout(selectionTimeout)
	}
	if o.ConnectTimeout == nil || *o.ConnectTimeout > connectTimeout {
		o.SetConnectTimeout(connectTimeout)
	}
	if o.AppName == nil {
		o.SetAppName("footfall")
	}
	if a.monitor != nil {
		o.SetMonitor(a.monitor)
	}
	o.SetWriteConcern(writeconcern.Majority())
	client, err := mongo.Connect(o)
	if err != nil {
		return invalid(a.uri, err)
	}
	a.conn.Store(&connection{
		client:  client,
		write:   client.Database(a.name, options.Database().SetReadPreference(readpref.Primary()).SetReadConcern(readconcern.Local())),
		decide:  client.Database(a.name, options.Database().SetReadPreference(readpref.Primary()).SetReadConcern(readconcern.Majority())),
		reports: client.Database(a.name),
	})
	return nil
}

// reading is the connection for a call that only reads.
func (a *Archive) reading(ctx context.Context) (*connection, error) {
	if c := a.conn.Load(); c != nil {
		return c, nil
	}
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-a.turn }()
	if err := a.connect(ctx); err != nil {
		return nil, err
	}
	return a.conn.Load(), nil
}

// writing is the connection for a call that writes: the first one waits for the
// indexes. They are made whatever becomes of the call, because making one may
// take longer than a call does.
func (a *Archive) writing(ctx context.Context) (*connection, error) {
	c, err := a.reading(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	p := a.preparation
	if p == nil {
		p = &preparation{done: make(chan struct{})}
		a.preparation = p
		go func() {
			p.err = c.prepare(a.background)
			if p.err != nil { // the next call tries again
				a.mu.Lock()
				a.preparation = nil
				a.mu.Unlock()
			}
			close(p.done)
		}()
	}
	a.mu.Unlock()
	select {
	case <-p.done:
		return c, p.err
	case <-ctx.Done():
		return nil, fmt.Errorf("while the database is prepared: %w", ctx.Err())
	}
}

// prepareSoon prepares the database as soon as it can be reached.
func (a *Archive) prepareSoon() {
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		if _, err := a.writing(a.background); err == nil {
			return
		}
		select {
		case <-time.After(pause):
		case <-a.background.Done():
			return
		}
	}
}

// Close ends the connections.
func (a *Archive) Close() error {
	a.stop()
	a.running.Wait()
	c := a.conn.Load()
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), selectionTimeout)
	defer cancel()
	if err := c.client.Disconnect(ctx); err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
		return fmt.Errorf("mongoarchive: close: %w", err)
	}
	return nil
}

// Shared is true: several processes append.
func (a *Archive) Shared() bool { return true }

// bounded gives a call that has no deadline one.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, patience)
}
