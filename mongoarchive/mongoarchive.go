// Package mongoarchive is a store.Archive in MongoDB, 5 to 8 and Atlas, for shops
// whose instances share an archive.
//
// Every write has the same effect when it is repeated, in any order. So there are
// no transactions, and a batch that was cut off is sent once more. The only
// unique key is _id.
package mongoarchive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/store"
)

// An Archive is a store.Archive and a report.Reader. It is safe for
// concurrent use. Make one with [Open].
type Archive struct {
	uri     func() string // a function, because printing an Archive shows nothing of what is in one
	name    string        // of the database
	lives   store.Lifetimes
	monitor *event.CommandMonitor

	turn    chan struct{} // held while a call connects
	conn    atomic.Pointer[connection]
	checked atomic.Int64 // when Check last wrote successfully, Unix ms

	background context.Context // ends with Close
	stop       context.CancelFunc
	running    sync.WaitGroup

	mu          sync.Mutex
	preparation *preparation // the one under way, or the one that succeeded
}

// A preparation is one attempt to prepare the database: see connection.prepare.
type preparation struct {
	done chan struct{}
	err  error
}

// Options for [Open]. The zero value is ready for use.
type Options struct {
	// MaxAge is the longest that a session can be alive: MaxAge of the tracker's
	// Config. Default: 24 hours.
	// Counting active visitors looks no further back than that, and the feed of
	// credential changes is kept for twice that time.
	MaxAge time.Duration

	// IdleTimeout is how long a session lives without activity: IdleTimeout of the
	// tracker's Config. Default: 30 minutes. The revocation of a customer writes its end
	// only into sessions that are alive.
	IdleTimeout time.Duration

	monitor *event.CommandMonitor // sees each command, in tests
}

// A connection is a client with one view of the database for each purpose.
type connection struct {
	client  *mongo.Client
	write   *mongo.Database // for writes, and for reads that a write depends on
	decide  *mongo.Database // for reads that decide whether somebody is let in: only data that cannot be rolled back
	reports *mongo.Database // for reports: the URI's read preference

	publisher *publisher
}

const (
	selectionTimeout = 2 * time.Second  // to find a server that can be used
	connectTimeout   = 5 * time.Second  // to make one connection
	patience         = 30 * time.Second // for a call whose context has no deadline
)

// ErrNewer means that a later version of Footfall has changed the database.
var ErrNewer = errors.New("made by a newer version of footfall: upgrade footfall, or use another database in MONGODB_URI")

// Format keeps the address, which may hold a password, out of what is printed.
func (a *Archive) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "mongoarchive.Archive") }

// Open prepares an archive in the database that the URI names. Default: footfall.
// It does not wait for a server: before the first write, a call makes the indexes
// and checks the version of the schema. An error means that the URI is wrong.
func Open(ctx context.Context, uri string, o Options) (*Archive, error) {
	if o.MaxAge < 0 {
		return nil, fmt.Errorf("mongoarchive: Options.MaxAge: %s is negative: use the tracker's MaxAge, or 0 for the default", timetext.Of(o.MaxAge))
	}
	if o.IdleTimeout < 0 {
		return nil, fmt.Errorf("mongoarchive: Options.IdleTimeout: %s is negative: use the tracker's IdleTimeout, or 0 for the default", timetext.Of(o.IdleTimeout))
	}
	o.MaxAge, o.IdleTimeout = cmp.Or(o.MaxAge, store.DefaultAbsolute), cmp.Or(o.IdleTimeout, store.DefaultIdle)
	name, err := databaseOf(uri)
	if err != nil {
		return nil, fmt.Errorf("mongoarchive: %w", err)
	}
	a := &Archive{uri: func() string { return uri }, name: name, lives: store.Lifetimes{Idle: o.IdleTimeout, Absolute: o.MaxAge}, monitor: o.monitor, turn: make(chan struct{}, 1)}
	if err := a.connect(ctx); err != nil && !errors.Is(err, errResolve) {
		return nil, fmt.Errorf("mongoarchive: %w", err)
	}
	a.background, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.running.Go(a.prepareSoon)
	return a, nil
}

// connect makes the client. That needs no database server, but mongodb+srv://
// needs the name service.
func (a *Archive) connect(ctx context.Context) error {
	if a.conn.Load() != nil {
		return nil
	}
	parsed := make(chan *options.ClientOptions, 1) // the parser takes no context and may block
	go func() { parsed <- options.Client().ApplyURI(a.uri()) }()
	var o *options.ClientOptions
	select {
	case o = <-parsed:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errResolve, ctx.Err())
	}
	if err := o.Validate(); err != nil {
		return invalid(a.uri(), err)
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
		return invalid(a.uri(), err)
	}
	a.conn.Store(&connection{
		client:  client,
		write:   client.Database(a.name, options.Database().SetReadPreference(readpref.Primary()).SetReadConcern(readconcern.Local())),
		decide:  client.Database(a.name, options.Database().SetReadPreference(readpref.Primary()).SetReadConcern(readconcern.Majority())),
		reports: client.Database(a.name),

		publisher: newPublisher(),
	})
	return nil
}

// reading returns the connection for a call that only reads.
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

// writing returns the connection for a call that writes. The first one waits
// until the indexes are made. They are made even if the call gives up, because
// that may take longer than a call does.
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
		return nil, fmt.Errorf("while preparing the database: %w", ctx.Err())
	}
}

// prepareSoon prepares the database in the background as soon as it can be
// reached.
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

// Close closes the connections.
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
		return fmt.Errorf("mongoarchive: close: %w", oneLine(err))
	}
	return nil
}

// Shared returns true: several processes may append.
func (a *Archive) Shared() bool { return true }

// bounded adds a deadline to a context that has none.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, patience)
}
