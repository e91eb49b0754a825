// Package redisstore is a store.HotStore in Redis or Valkey: standalone, with
// Sentinel, or a Cluster.
//
// A session is one key, session:ID, whose value is readable text. Every call is
// one round trip to one key. The user of an ACL needs
//
//	~session:* ~metrics:* ~footfall:check +get +set +del +pttl +pexpire +evalsha +eval +ping
//
// with REDIS_PREFIX before each pattern, and +info for [Store.Describe]; in a
// Cluster also +cluster|slots and +cluster|shards.
package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/footfall-go/footfall/internal/redisrecord"
	"github.com/footfall-go/footfall/store"
)

const (
	defaultTimeout  = 2 * time.Second // for a call whose context has no deadline
	dialTimeout     = time.Second
	patience        = 5 * time.Second // for a command, whose caller may have left earlier
	firstConnect    = time.Second     // how long Open waits for a connection
	renewInterval   = time.Second     // the shortest time between two clients
	maxUnderWay     = 4096            // commands: a server does not answer as many in the time of a request
	topologyRefresh = 5 * time.Second
	minReconnect    = 50 * time.Millisecond
	maxReconnect    = time.Second
)

// Options are the optional settings of a [Store]. The zero value is ready for use.
type Options struct {
	// Prefix is put before every key. Default: none.
	Prefix string
	// TLS replaces the TLS settings of rediss:// addresses, such as roots and
	// client certificates. Default: the system's roots, or those of the address.
	TLS *tls.Config
}

// A Store holds the records of sessions. It is safe for concurrent use. Make one with
// [Open].
type Store struct {
	prefix   string
	option   func() rueidis.ClientOption // a function, because printing a Store shows nothing of what is in one
	connects atomic.Uint64
	underWay atomic.Int64 // commands, also those whose callers have left

	client  atomic.Pointer[rueidis.Client] // nil until the first connection
	cause   atomic.Pointer[error]          // why there is no client yet
	stale   chan struct{}                  // a signal to replace the client
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Format keeps the password out of what is printed.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "redisstore.Store") }

// Open makes a store of the servers at an address (see the package
// documentation). It returns no error if a server does not answer: then calls
// fail until one does.
func Open(address string, o Options) (*Store, error) {
	option, err := options(address)
	if err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	if o.TLS != nil && option.TLSConfig != nil {
		option.TLSConfig, option.Sentinel.TLSConfig = o.TLS, o.TLS
	}
	s := &Store{prefix: o.Prefix, stale: make(chan struct{}, 1)}
	option.Dialer.Timeout = dialTimeout
	option.ConnWriteTimeout = dialTimeout
	option.DialCtxFn = s.dial
	s.option = func() rueidis.ClientOption { return option }
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	first := make(chan struct{})
	s.running.Go(func() { s.keep(ctx, sync.OnceFunc(func() { close(first) })) })
	select {
	case <-first:
	case <-time.After(firstConnect):
	}
	return s, nil
}

// dial makes a connection and counts it.
func (s *Store) dial(ctx context.Context, addr string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
	var conn net.Conn
	var err error
	if config != nil {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", addr)
	} else {
		conn, err = dialer.DialContext(ctx, "tcp", addr)
	}
	if err == nil {
		s.connects.Add(1)
	}
	return conn, err
}

// keep makes the client. The client connects again by itself; keep replaces it
// when a server refuses writes. For a master that became a replica keeps its
// connections, while its address may lead to another server by now. tried is
// called after the first attempt to connect.
func (s *Store) keep(ctx context.Context, tried func()) {
	for {
		client := s.connect(ctx, tried)
		if client == nil {
			return
		}
		made := time.Now()
		if old := s.client.Swap(&client); old != nil {
			time.AfterFunc(patience, (*old).Close) // later, because calls are still using it
		}
		tried()
		select {
		case <-ctx.Done():
			client.Close()
			return
		case <-s.stale:
			sleep(ctx, renewInterval-time.Since(made))
		}
	}
}

// connect tries to connect until it succeeds. It returns nil once ctx is done.
func (s *Store) connect(ctx context.Context, tried func()) rueidis.Client {
	option := s.option()
	for wait := minReconnect; ; wait = min(2*wait, maxReconnect) {
		client, err := rueidis.NewClient(option)
		if err == nil {
			return client
		}
		// A Sentinel uses the servers' password or none.
		if refusal, ok := rueidis.IsRedisErr(err); ok && refusesUser(refusal) && option.Sentinel.Password != "" {
			option.Sentinel.Username, option.Sentinel.Password = "", ""
			continue
		}
		option.Sentinel = s.option().Sentinel
		s.cause.Store(&err)
		tried()
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// sleep returns false if ctx ends before the time is over.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Close closes the connections. Calls under way fail.
func (s *Store) Close() error {
	s.stop()
	s.running.Wait()
	return nil
}

// Connects returns how many connections have been made.
func (s *Store) Connects() uint64 { return s.connects.Load() }

var (
	errConnecting = errors.New("there is no connection to the server yet")
	errBehind     = errors.New("too many commands wait for the server's answer")
)

// do runs the command that build makes. It returns when ctx is done at the
// latest.
func (s *Store) do(ctx context.Context, build func(rueidis.Builder) rueidis.Completed) (rueidis.RedisMessage, error) {
	client := s.client.Load()
	if client == nil {
		if cause := s.cause.Load(); cause != nil {
			return rueidis.RedisMessage{}, *cause
		}
		return rueidis.RedisMessage{}, errConnecting
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	if err := ctx.Err(); err != nil {
		return rueidis.RedisMessage{}, err
	}
	// The command runs in a goroutine with a time-out of its own. The client
	// makes connections within the call that needs one, and other calls wait for
	// that. So neither may a caller's short deadline end an attempt to connect,
	// nor may a long one make other callers wait. Callers who leave early and come
	// again would leave any number of commands behind, each with a goroutine of its own.
	if s.underWay.Add(1) > maxUnderWay {
		s.underWay.Add(-1)
		return rueidis.RedisMessage{}, errBehind
	}
	done := make(chan rueidis.RedisResult, 1)
	go func() {
		defer s.underWay.Add(-1)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		done <- (*client).Do(ctx, build((*client).B()))
	}()
	select {
	case r := <-done:
		reply, err := r.ToMessage()
		if refusal, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(refusal.Error(), "READONLY") {
			select {
			case s.stale <- struct{}{}:
			default:
			}
		}
		return reply, err
	case <-ctx.Done():
		return rueidis.RedisMessage{}, ctx.Err()
	}
}

// run runs a script on a key and returns whether the script returned 1.
func (s *Store) run(ctx context.Context, script redisrecord.Script, key string, args []string) (bool, error) {
	reply, err := s.do(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Evalsha().Sha1(script.Digest).Numkeys(1).Key(key).Arg(args...).Build()
	})
	if refusal, ok := rueidis.IsRedisErr(err); ok && refusal.IsNoScript() {
		reply, err = s.do(ctx, func(b rueidis.Builder) rueidis.Completed {
			return b.Eval().Script(script.Source).Numkeys(1).Key(key).Arg(args...).Build()
		})
	}
	if err != nil {
		return false, err
	}
	n, err := reply.AsInt64()
	return n == 1, err
}

// Read implements store.HotStore: one GET.
func (s *Store) Read(ctx context.Context, id string) (doc []byte, version int64, all store.Activity, err error) {
	key := redisrecord.Key(s.prefix, id)
	reply, err := s.do(ctx, func(b rueidis.Builder) rueidis.Completed { return b.Get().Key(key).Build() })
	if refusal, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(refusal.Error(), "WRONGTYPE") {
		return []byte{}, 0, store.Activity{}, nil // not a record, but a value of another program
	}
	if rueidis.IsRedisNil(err) {
		return nil, 0, store.Activity{}, nil
	}
	var value []byte
	if err == nil {
		value, err = reply.AsBytes()
	}
	if err == nil {
		doc, version, all, err = redisrecord.Decode(value)
	}
	if err != nil {
		return nil, 0, store.Activity{}, fmt.Errorf("redisstore: read: %w", err)
	}
	return doc, version, all, nil
}

// Put implements store.HotStore.
func (s *Store) Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	if previous == 0 && ttl > 0 {
		return s.putNew(ctx, id, series, doc, version, ttl)
	}
	args, err := redisrecord.PutArgs(series, doc, previous, version, ttl)
	stored := false
	if err == nil {
		stored, err = s.run(ctx, redisrecord.Put, redisrecord.Key(s.prefix, id), args)
	}
	if err != nil {
		return false, fmt.Errorf("redisstore: put: %w", refused(err))
	}
	return stored, nil
}

// putNew is Put of a record of which there is none. A session begins with it, and most of
// them never come back.
func (s *Store) putNew(ctx context.Context, id, series string, doc []byte, version int64, ttl time.Duration) (bool, error) {
	value, err := redisrecord.New(series, doc, version)
	if err == nil {
		key := redisrecord.Key(s.prefix, id)
		_, err = s.do(ctx, func(b rueidis.Builder) rueidis.Completed {
			return b.Set().Key(key).Value(value).Nx().PxMilliseconds(redisrecord.Milliseconds(ttl)).Build()
		})
	}
	if rueidis.IsRedisNil(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("redisstore: put: %w", refused(err))
	}
	return true, nil
}

// Merge implements store.HotStore.
func (s *Store) Merge(ctx context.Context, id, series, writer string, a store.Activity, ttl time.Duration) (bool, error) {
	args, err := redisrecord.MergeArgs(series, writer, a, ttl)
	merged := false
	if err == nil {
		merged, err = s.run(ctx, redisrecord.Merge, redisrecord.Key(s.prefix, id), args)
	}
	if err != nil {
		return false, fmt.Errorf("redisstore: merge: %w", refused(err))
	}
	return merged, nil
}

// Delete implements store.HotStore.
func (s *Store) Delete(ctx context.Context, id string) error {
	key := redisrecord.Key(s.prefix, id)
	if _, err := s.do(ctx, func(b rueidis.Builder) rueidis.Completed { return b.Del().Key(key).Build() }); err != nil {
		return fmt.Errorf("redisstore: delete: %w", refused(err))
	}
	return nil
}

// refused wraps [store.ErrNoWrites] in an error that says so.
func refused(err error) error {
	if refusal, ok := rueidis.IsRedisErr(err); ok {
		return redisrecord.Refused(err, refusal.Error())
	}
	return err
}

func refusesUser(e *rueidis.RedisError) bool {
	code, _, _ := strings.Cut(e.Error(), " ")
	return code == "NOAUTH" || code == "WRONGPASS" || strings.HasPrefix(e.Error(), "ERR AUTH")
}
