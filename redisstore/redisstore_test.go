package redisstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/redisstore"
	"github.com/footfall-go/footfall/store"
)

const (
	id  = "01970000-0000-7000-8000-000000000001"
	doc = `{"sessionId":"01970000-0000-7000-8000-000000000001","secretHash":"x","pageViews":3,"lastSeenAt":"2026-03-14T09:26:53.589Z"}`
)

// What people see with redis-cli.
func TestStore_IsReadable(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := open(t, redis.URL(), redisstore.Options{})
	put(t, s)
	seen := time.Date(2026, 3, 14, 9, 30, 0, 5e6, time.UTC)
	for writer, views := range map[string]int64{"a": 4, "b": 2} {
		if merged, err := s.Merge(t.Context(), id, "s", writer, store.Activity{Views: views, LastSeen: seen.UnixMilli()}, 20*time.Minute); err != nil || !merged {
			t.Fatal(merged, err)
		}
	}
	var shown struct {
		SessionID, SecretHash string
		PageViews             int
		LastSeenAt            time.Time
	}
	value := redis.Get(t, "session:"+id)
	if err := json.Unmarshal([]byte(value), &shown); err != nil {
		t.Fatalf("GET shows %q, which is no JSON: %v", value, err)
	}
	if shown.SessionID != id || shown.SecretHash != "x" || shown.PageViews != 9 || !shown.LastSeenAt.Equal(seen) {
		t.Errorf("GET shows %s, want 9 page views, last seen %v", value, seen)
	}
	if read, _, all, err := s.Read(t.Context(), id); string(read) != doc || all.Views != 6 || all.LastSeen != seen.UnixMilli() || err != nil {
		t.Errorf("Read = %s, %+v, %v", read, all, err)
	}
	var ttl int
	if _, err := fmt.Sscan(redis.Do(t, "TTL", "session:"+id)[0], &ttl); err != nil || ttl < 1190 || ttl > 1200 {
		t.Errorf("TTL = %d, %v, want 1200 s", ttl, err)
	}
	if err := s.SetMetrics(t.Context(), 7, "2026-03-14", 40); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"metrics:active_users": "7 60", "metrics:daily_visits:2026-03-14": "40 604800"} {
		if got := redis.Get(t, key) + " " + redis.Do(t, "TTL", key)[0]; got != want {
			t.Errorf("%s = %q, want value and TTL %q", key, got, want)
		}
	}
}

func put(t testing.TB, s *redisstore.Store) {
	t.Helper()
	if stored, err := s.Put(t.Context(), id, "s", []byte(doc), 0, 1, 10*time.Minute); err != nil || !stored {
		t.Fatal(stored, err)
	}
}

// A read is a single command.
func TestStore_ReadIsOneCommand(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := open(t, redis.URL(), redisstore.Options{})
	put(t, s)
	var mu sync.Mutex
	var lines []string
	redis.Monitor(t, func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.Contains(line, `"HELLO"`) { // another connection is made
			lines = append(lines, line)
		}
	})
	const reads = 5
	for range reads {
		if _, _, _, err := s.Read(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	redis.Do(t, "ECHO", "end")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		n := len(lines)
		done := n > 0 && strings.Contains(lines[n-1], "ECHO")
		mu.Unlock()
		if done {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("MONITOR does not show the last command")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(lines) != reads+1 || !strings.Contains(lines[0], `"GET" "session:`+id) {
		t.Errorf("%d readings are %q", reads, lines)
	}
}

// A value of another program is a document of version 0 and must not be replaced.
func TestStore_ForeignValues(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := open(t, redis.URL(), redisstore.Options{})
	for _, value := range []string{`{"sessionId":"x"}`, "no JSON", `{"activity":"?"}`, `{"activity":"1 of many"}`, `{"activity":"1 5 s s 3 2026 x y"}`, `{"activity":"12 days"}`, ""} {
		redis.Do(t, "SET", "session:"+id, value, "EX", "100")
		read, version, all, err := s.Read(t.Context(), id)
		if string(read) != value || version != 0 || all != (store.Activity{}) || err != nil {
			t.Errorf("Read of %q = %q, %d, %+v, %v", value, read, version, all, err)
		}
		for previous := range int64(2) {
			if stored, err := s.Put(t.Context(), id, "s", []byte(doc), previous, 5, time.Minute); stored || err != nil {
				t.Errorf("Put with previous %d over %q = %v, %v", previous, value, stored, err)
			}
		}
		if merged, err := s.Merge(t.Context(), id, "s", "w", store.Activity{Views: 1, LastSeen: 1}, time.Minute); merged || err != nil {
			t.Errorf("Merge into %q = %v, %v", value, merged, err)
		}
		if got := redis.Get(t, "session:"+id); got != value {
			t.Errorf("%q became %q", value, got)
		}
	}
	redis.Do(t, "SET", "session:"+id, `{"a":1,"activity":"2 17 s1 of a later version"}`)
	if _, _, _, err := s.Read(t.Context(), id); err == nil {
		t.Error("a record of a later version reads without an error: it cannot be known what it says")
	}
	redis.Do(t, "DEL", "session:"+id)
	redis.Do(t, "LPUSH", "session:"+id, "x")
	if doc, version, _, err := s.Read(t.Context(), id); err != nil || len(doc) != 0 || doc == nil || version != 0 {
		t.Errorf("a list reads as %q of version %d, %v: it is there, and no record", doc, version, err)
	}
}

// Calls end with their contexts, and succeed again when the server does.
func TestStore_Outages(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]struct{ begin, end func(*testserver.RedisServer) }{
		"frozen":    {(*testserver.RedisServer).Freeze, (*testserver.RedisServer).Thaw},
		"killed":    {(*testserver.RedisServer).Stop, (*testserver.RedisServer).Start},
		"not_there": {nil, (*testserver.RedisServer).Start},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := testserver.Redis(t)
			if o.begin == nil {
				redis.Stop()
			}
			s := open(t, redis.URL(), redisstore.Options{})
			before := s.Connects()
			if o.begin != nil {
				put(t, s)
				before = s.Connects()
				o.begin(redis)
			}
			const budget = 50 * time.Millisecond
			for range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), budget)
				began := time.Now()
				_, _, _, err := s.Read(ctx, id)
				took := time.Since(began)
				cancel()
				if err == nil {
					t.Fatal("Read says absent without an error while the server is away")
				}
				if took > budget+500*time.Millisecond { // the machine may be busy
					t.Errorf("Read took %v with a budget of %v", took, budget)
				}
			}
			o.end(redis)
			eventually(t, func() error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				return s.Check(ctx)
			})
			if name != "frozen" && s.Connects() == before {
				t.Error("a server that was started again is another: Connects has to grow")
			}
		})
	}
}

func eventually(t testing.TB, try func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// A call returns a refusal of the server at once, and Check returns what to do
// about it.
func TestStore_Refusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command []string
		remedy  string
	}{
		"read_only":     {[]string{"REPLICAOF", "127.0.0.1", "1"}, "replica"},
		"out_of_memory": {[]string{"CONFIG", "SET", "maxmemory", "1"}, "maxmemory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := testserver.Redis(t)
			s := open(t, redis.URL(), redisstore.Options{})
			put(t, s)
			redis.Do(t, c.command...)
			if read, _, _, err := s.Read(t.Context(), id); err != nil || string(read) != doc {
				t.Errorf("Read = %q, %v: what is there can be read", read, err)
			}
			if stored, err := s.Put(t.Context(), id, "s", []byte(doc), 1, 2, time.Minute); !errors.Is(err, store.ErrNoWrites) || stored {
				t.Errorf("Put = %v, %v, want an error that says that the server answers and takes no writes", stored, err)
			}
			if stored, err := s.Put(t.Context(), "new", "s", []byte(doc), 0, 1, time.Minute); !errors.Is(err, store.ErrNoWrites) || stored {
				t.Errorf("Put of a new record = %v, %v", stored, err)
			}
			if merged, err := s.Merge(t.Context(), id, "s", "w", store.Activity{Views: 1, LastSeen: 1790000000000}, time.Minute); !errors.Is(err, store.ErrNoWrites) || merged {
				t.Errorf("Merge = %v, %v", merged, err)
			}
			if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), c.remedy) {
				t.Errorf("Check = %v, want the remedy (%s)", err, c.remedy)
			}
		})
	}
}

func TestStore_SentinelFailover(t *testing.T) {
	t.Parallel()
	master := testserver.Redis(t)
	host, port, _ := strings.Cut(master.Addr(), ":")
	replica := testserver.Redis(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	sentinel := testserver.Sentinel(t, "shop", master)
	s := open(t, "redis+sentinel://"+sentinel.Addr()+"/shop", redisstore.Options{})
	put(t, s)
	eventually(t, func() error {
		if replica.Get(t, "session:"+id) == "" || !strings.Contains(strings.Join(sentinel.Do(t, "SENTINEL", "REPLICAS", "shop"), " "), replica.Addr()) {
			return errors.New("the replica does not follow yet")
		}
		return nil
	})
	before := s.Connects()
	master.Stop()
	eventually(t, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return s.Check(ctx)
	})
	if read, _, _, err := s.Read(t.Context(), id); err != nil || string(read) != doc {
		t.Errorf("after the failover Read = %q, %v", read, err)
	}
	if s.Connects() == before {
		t.Error("after a failover another server answers: Connects has to grow")
	}
}

func TestOpen_Addresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "localhost:6379", "http://localhost", "redis://", "redis://:secret@", "redis://host:99999", "redis://host:x", "redis://host/zero", "redis://a,,b",
		"redis://a,b/1", "redis+sentinel://host", "rediss://host?ca=/does/not/exist", "redis://%zz:secret@host",
	} {
		s, err := redisstore.Open(address, redisstore.Options{})
		if err == nil {
			s.Close()
			t.Errorf("Open(%q) is no error", address)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%q): %v: one line, and no password in it", address, err)
		}
	}
}
