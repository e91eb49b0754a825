// Package upstashstore is a store.HotStore in a Redis database that is reached
// over the Upstash REST protocol, for shops on platforms that offer nothing else.
//
// A replicated database may answer a read from any replica. A process always sees
// its own writes; it may see those of other processes a moment late. If a logout
// on one instance must be known on another at once, use a database without read
// regions.
package upstashstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/redisrecord"
	"github.com/footfall-go/footfall/store"
)

// defaultTimeout applies to calls whose context has no deadline.
const defaultTimeout = 2 * time.Second

// Options are the optional settings of a [Store]. The zero value is ready for use.
type Options struct {
	// Prefix is put before every key. Default: none.
	Prefix string

	// HTTPClient sends the requests; its policy on redirects is ignored. Default:
	// a client of the store's own. Its Transport should keep as many idle
	// connections per host as there are requests at a time;
	// [http.DefaultTransport] keeps two.
	HTTPClient *http.Client
}

// A Store holds the records of sessions. It is safe for concurrent use. Make one with
// [Open].
type Store struct {
	client *client
	merges pipeline
	prefix string
	own    bool // the transport belongs to the store
}

// Open makes a store of the database at a REST URL. It does not connect. Plain
// http is refused, except to this machine, because it would reveal the token.
func Open(address, token string, options Options) (*Store, error) {
	u, err := parseAddress(address)
	if err == nil {
		err = checkToken(token)
	}
	if err != nil {
		return nil, fmt.Errorf("upstashstore: open: %w", err)
	}
	s := &Store{client: &client{base: u, token: token}, prefix: options.Prefix}
	if options.HTTPClient != nil {
		s.client.http = *options.HTTPClient
	}
	if s.client.http.Transport == nil {
		s.client.http.Transport, s.own = newTransport(), true
	}
	// No redirects: one could send the token elsewhere.
	s.client.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.merges.send = s.client.pipeline
	return s, nil
}

// Close closes idle connections. Calls under way end when their contexts do.
func (s *Store) Close() error {
	if s.own {
		s.client.http.CloseIdleConnections()
	}
	return nil
}

// Connects counts successful answers that are the first one or follow a failure.
// Over HTTP nothing else shows that another server may have taken over.
func (s *Store) Connects() uint64 { return s.client.connects.Load() }

// Read implements store.HotStore with one GET.
func (s *Store) Read(ctx context.Context, id string) (doc []byte, version int64, all store.Activity, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	cmd, err := newCommand("GET", redisrecord.Key(s.prefix, id))
	if err == nil {
		cmd.reads, cmd.repeatable = true, true
		var value any
		if value, err = s.client.one(ctx, cmd); err == nil && value != nil {
			if text, ok := value.(string); ok {
				doc, version, all, err = redisrecord.Decode([]byte(text))
			} else {
				err = errNotJSON
			}
		}
	}
	if err != nil && strings.Contains(err.Error(), "WRONGTYPE") {
		return []byte{}, 0, store.Activity{}, nil // not a record, but a value of another program
	}
	if err != nil {
		return nil, 0, store.Activity{}, fmt.Errorf("upstashstore: read: %w", err)
	}
	return doc, version, all, nil
}

// Put implements store.HotStore with one script, or with one SET for a new record.
func (s *Store) Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	if previous == 0 && ttl > 0 {
		return s.putNew(ctx, id, series, doc, version, ttl)
	}
	args, err := redisrecord.PutArgs(series, doc, previous, version, ttl)
	stored := false
	if err == nil {
		stored, err = s.script(ctx, redisrecord.Put, id, args, s.client.one)
	}
	if err != nil {
		return false, fmt.Errorf("upstashstore: put: %w", refused(err))
	}
	return stored, nil
}

func (s *Store) putNew(ctx context.Context, id, series string, doc []byte, version int64, ttl time.Duration) (bool, error) {
	value, err := redisrecord.New(series, doc, version)
	var cmd command
	if err == nil {
		cmd, err = newCommand("SET", redisrecord.Key(s.prefix, id), value, "NX", "PX", strconv.FormatInt(redisrecord.Milliseconds(ttl), 10))
	}
	var reply any
	if err == nil {
		reply, err = s.client.one(ctx, cmd)
	}
	if err != nil {
		return false, fmt.Errorf("upstashstore: put: %w", refused(err))
	}
	return reply != nil, nil
}

// Merge implements store.HotStore with one script, in one request with those of
// other calls.
func (s *Store) Merge(ctx context.Context, id, series, writer string, a store.Activity, ttl time.Duration) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	args, err := redisrecord.MergeArgs(series, writer, a, ttl)
	merged := false
	if err == nil {
		merged, err = s.script(ctx, redisrecord.Merge, id, args, s.merges.do)
	}
	if err != nil {
		return false, fmt.Errorf("upstashstore: merge: %w", refused(err))
	}
	return merged, nil
}

// Delete implements store.HotStore with one DEL.
func (s *Store) Delete(ctx context.Context, id string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	cmd, err := newCommand("DEL", redisrecord.Key(s.prefix, id))
	if err == nil {
		cmd.repeatable = true
		_, err = s.client.one(ctx, cmd)
	}
	if err != nil {
		return fmt.Errorf("upstashstore: delete: %w", refused(err))
	}
	return nil
}

// script runs a script on a record by its digest, and sends the full text if the
// server does not know it: because it never received it, or has dropped it.
func (s *Store) script(ctx context.Context, script redisrecord.Script, id string, args []string, run func(context.Context, command) (any, error)) (bool, error) {
	var value any
	for _, by := range [][2]string{{"EVALSHA", script.Digest}, {"EVAL", script.Source}} {
		cmd, err := newCommand(append([]string{by[0], by[1], "1", redisrecord.Key(s.prefix, id)}, args...)...)
		if err != nil {
			return false, err
		}
		if value, err = run(ctx, cmd); err == nil {
			break
		}
		var refused commandError
		if !errors.As(err, &refused) || !strings.HasPrefix(string(refused), "NOSCRIPT") || by[0] == "EVAL" {
			return false, err
		}
	}
	done, ok := value.(int64)
	if !ok {
		return false, errNotJSON
	}
	return done == 1, nil
}

// refused wraps [store.ErrNoWrites] in an error that says so.
func refused(err error) error {
	var refusal commandError
	if errors.As(err, &refusal) {
		return redisrecord.Refused(err, string(refusal))
	}
	return err
}

// run runs a command that no request waits for.
func (s *Store) run(ctx context.Context, args ...string) (any, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	cmd, err := newCommand(args...)
	if err != nil {
		return nil, err
	}
	return s.client.one(ctx, cmd)
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, defaultTimeout)
}
