package redisstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/redisstore"
	"github.com/footfall-go/footfall/store"
)

// Callers with short deadlines beside one with a long deadline, while the server
// is frozen.
func TestStore_HastyBesidePatient(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := open(t, redis.URL(), redisstore.Options{})
	put(t, s)
	redis.Freeze()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				_, _ = s.Merge(ctx, id, "s", "w", store.Activity{Views: 1, LastSeen: 1}, time.Minute)
				cancel()
			}
		})
	}
	var worst atomic.Int64
	for range 8 {
		wg.Go(func() {
			for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				b := time.Now()
				s.Read(ctx, id)
				if d := int64(time.Since(b)); d > worst.Load() {
					worst.Store(d)
				}
				cancel()
			}
		})
	}
	time.Sleep(3 * time.Second)
	close(stop)
	redis.Thaw()
	wg.Wait()
	if w := time.Duration(worst.Load()); w > 200*time.Millisecond {
		t.Errorf("a Read with 50 ms took %v", w)
	}
}

// Strangers have requests ask a server that does not answer as often as they like. Callers
// leave after a moment, and what they leave behind is bounded.
func TestStore_CallersWhoLeaveLeaveABoundedNumberOfCommands(t *testing.T) {
	redis := testserver.Redis(t)
	s := open(t, redis.URL(), redisstore.Options{})
	put(t, s)
	before := runtime.NumGoroutine()
	redis.Freeze()
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				_, _, _, _ = s.Read(ctx, id)
				cancel()
			}
		})
	}
	all.Wait()
	if n := runtime.NumGoroutine() - before; n > 10_000 {
		t.Errorf("40,000 reads of a frozen server, whose callers waited for a millisecond, have left %d goroutines, want at most 4,096 commands", n)
	}
	redis.Thaw()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, _, _, err := s.Read(t.Context(), id)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("10 s after the server answers again: %v", err)
		}
	}
}

// A context that is cancelled, without a deadline, ends the call soon.
func TestStore_Cancel(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := open(t, redis.URL(), redisstore.Options{})
	put(t, s)
	redis.Freeze()
	defer redis.Thaw()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	time.AfterFunc(50*time.Millisecond, cancel)
	b := time.Now()
	s.Read(ctx, id)
	if d := time.Since(b); d > 200*time.Millisecond {
		t.Errorf("a Read that was cancelled after 50 ms took %v", d)
	}
}

// A distant server: 80 ms there and back, with callers that have 120 ms. Making a
// connection takes longer than a call has.
func TestStore_FarServerReconnects(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	proxy := testserver.Proxy(t, redis.Addr())
	proxy.SetDelay(40 * time.Millisecond)
	s := open(t, "redis://"+proxy.Addr(), redisstore.Options{})
	put(t, s)
	read := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
		defer cancel()
		_, _, _, err := s.Read(ctx, id)
		return err
	}
	if err := read(); err != nil {
		t.Fatalf("connected: %v", err)
	}
	proxy.Cut()
	proxy.Resume()
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if err = read(); err == nil {
			return
		}
	}
	t.Errorf("5 s after the connections were cut no Read succeeds: %v", err)
}

// Redis requires a password, its Sentinel does not.
func TestStore_SentinelWithoutPassword(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	sentinel := testserver.Sentinel(t, "shop", redis)
	redis.Do(t, "ACL", "SETUSER", "shop", "on", ">secret", "allkeys", "allcommands")
	s := open(t, "redis+sentinel://shop:secret@"+sentinel.Addr()+"/shop", redisstore.Options{})
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
}

// An address with one host of a Cluster, like a managed Cluster's configuration
// endpoint.
func TestStore_OneHostOfACluster(t *testing.T) {
	t.Parallel()
	nodes := testserver.RedisCluster(t, 3)
	s := open(t, nodes[0].URL(), redisstore.Options{})
	for i := range 8 {
		id := fmt.Sprintf("01970000-0000-7000-8000-00000000000%d", i)
		if _, err := s.Put(t.Context(), id, "s", []byte(doc), 0, 1, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
}

// An address that leads to another server after a failover. The old server
// continues as a replica and closes no connections.
func TestStore_AddressMoves(t *testing.T) {
	t.Parallel()
	old, new := testserver.Redis(t), testserver.Redis(t)
	var target atomic.Pointer[string]
	a, b := old.Addr(), new.Addr()
	target.Store(&a)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", *target.Load())
			if err != nil {
				in.Close()
				continue
			}
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
	s := open(t, "redis://"+l.Addr().String(), redisstore.Options{})
	put(t, s)
	host, port, _ := strings.Cut(b, ":")
	target.Store(&b)
	old.Do(t, "REPLICAOF", host, port)
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = s.Check(t.Context()); err == nil {
			return
		}
	}
	t.Errorf("8 s after the failover: %v", err)
}

// Any JSON object has to come back byte for byte.
func TestStore_Documents(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := open(t, redis.URL(), redisstore.Options{})
	for i, doc := range []string{
		`{}`, `{ }`, "{\n}", ` {"a":1}`, "{\"a\":1}\n", "{\"a\":1 } \t", `{"activity":"x"}`, `{"activity":"1 5 s s 3 2026-01-01T00:00:00.000Z 0 -"}`,
		`{"pageViews":3,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`, `{"a":{},"pageViews":3,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`,
		`{"x\"pageViews":3,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`, `{"x,\"pageViews":3,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`,
		`{"a":1,"pageViews":03,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`, `{"a":1,"pageViews":9007199254740993,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`,
		`{"a":1,"pageViews":3,"lastSeenAt":null}`, `{"a":1,"pageViews":3,"lastSeenAt":"2026-01-01T00:00:00.000Z","pageViews":4,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`,
		`{"a":1, "pageViews":3,"lastSeenAt":"2026-01-01T00:00:00.000Z"}`, `{"a":",\"activity\":\"1 2 3"}`,
	} {
		id := fmt.Sprintf("p%d", i)
		stored, err := s.Put(t.Context(), id, "s", []byte(doc), 0, 5, time.Minute)
		if err != nil || !stored {
			t.Errorf("Put of %q = %v, %v", doc, stored, err)
			continue
		}
		for round := range 3 {
			got, version, all, err := s.Read(t.Context(), id)
			if string(got) != doc || version != 5 || err != nil || all.Views != int64(round) || all.LastSeen != int64(round)*1790000000000 {
				t.Errorf("round %d: Read of %q = %q %d %+v %v", round, doc, got, version, all, err)
			}
			value := redis.Get(t, "session:"+id)
			if json.Valid([]byte(doc)) && !json.Valid([]byte(value)) {
				t.Errorf("round %d: %q lies in Redis as %q: no JSON", round, doc, value)
			}
			if _, err := s.Merge(t.Context(), id, "s", "w", store.Activity{Views: int64(round + 1), LastSeen: int64(round+1) * 1790000000000}, time.Minute); err != nil {
				t.Errorf("Merge: %v", err)
			}
		}
	}
	for _, value := range []string{`{"a":1,"activity":"1 of many"}`, `{"activity":"7"}`, `{"activity":"12 days"}`, `{"activity":"1 5 s s 3 2026 x y"}`} {
		redis.Do(t, "SET", "session:"+id, value, "EX", "100")
		if got, version, _, err := s.Read(t.Context(), id); string(got) != value || version != 0 || err != nil {
			t.Errorf("foreign %q reads as %q %d %v", value, got, version, err)
		}
		if merged, err := s.Merge(t.Context(), id, "s", "w", store.Activity{Views: 1, LastSeen: 1}, time.Minute); merged || err != nil {
			t.Errorf("Merge into foreign %q: %v %v", value, merged, err)
		}
	}
}

// A record in a later form cannot be known, and nothing touches it.
func TestStore_NewerRecord(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := open(t, redis.URL(), redisstore.Options{})
	const value = `{"a":1,"activity":"2 17 s what comes later"}`
	redis.Do(t, "SET", "session:"+id, value, "EX", "100")
	if doc, _, _, err := s.Read(t.Context(), id); !errors.Is(err, store.ErrNewer) || doc != nil {
		t.Errorf("Read = %q, %v: what a newer version wrote is no document and no failure of the server", doc, err)
	}
	merged, err := s.Merge(t.Context(), id, "s", "w", store.Activity{Views: 1, LastSeen: 1}, time.Minute)
	stored, putErr := s.Put(t.Context(), id, "s", []byte(doc), 17, 18, time.Minute)
	if merged || stored || err != nil || putErr != nil || redis.Get(t, "session:"+id) != value {
		t.Errorf("Merge = %v, %v, Put = %v, %v, and %s stands there: what a newer version wrote is left alone", merged, err, stored, putErr, redis.Get(t, "session:"+id))
	}
}

// The log contains the time that the server spends on a command.
func BenchmarkStore_Merge(b *testing.B) {
	redis := testserver.Redis(b)
	s, err := redisstore.Open(redis.URL(), redisstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	d := []byte(`{"sessionId":"01970000-0000-7000-8000-000000000001","secretHash":"x","pad":"` + strings.Repeat("x", 700) + `","pageViews":3,"lastSeenAt":"2026-03-14T09:26:53.589Z"}`)
	s.Put(b.Context(), id, "s", d, 0, 1, time.Hour)
	for i := range 3 {
		s.Merge(b.Context(), id, "s", fmt.Sprint("w", i), store.Activity{Views: 1, LastSeen: 1790000000000}, time.Hour)
	}
	redis.Do(b, "CONFIG", "RESETSTAT")
	n := int64(1)
	for b.Loop() {
		n++
		if _, err := s.Merge(b.Context(), id, "s", "w1", store.Activity{Views: n, LastSeen: 1790000000000 + n}, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	for _, line := range strings.Split(strings.Join(redis.Do(b, "INFO", "commandstats"), "\n"), "\n") {
		if strings.Contains(line, "evalsha") {
			b.Log(line)
		}
	}
}
