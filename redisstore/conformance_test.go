package redisstore_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/redisstore"
	"github.com/footfall-go/footfall/store"
	"github.com/footfall-go/footfall/storetest"
)

// open opens a store and closes it when the test ends.
func open(t testing.TB, address string, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Each case has keys of its own on one server. Records are planted through the
// server's own door, or not at all.
func conformance(t *testing.T, address string, server *testserver.RedisServer) {
	prefixes := map[store.HotStore]string{}
	h := storetest.Harness{
		Open: func(t *testing.T) store.HotStore {
			prefix := strings.ReplaceAll(t.Name(), "/", ".") + ":"
			s := open(t, address, redisstore.Options{Prefix: prefix})
			prefixes[s] = prefix
			return s
		},
		Advance: time.Sleep,
	}
	if server != nil {
		h.Bytes = func(s store.HotStore, ids []string) (n int64) {
			for _, id := range ids {
				length, err := strconv.ParseInt(server.Do(t, "STRLEN", prefixes[s]+"session:"+id)[0], 10, 64)
				if err != nil {
					t.Error(err)
				}
				n += length
			}
			return n
		}
		h.Plant = func(s store.HotStore, id, value string) {
			server.Do(t, "SET", prefixes[s]+"session:"+id, value, "EX", "600")
		}
	}
	storetest.Run(t, h)
}

func TestStore(t *testing.T) {
	t.Run("standalone", func(t *testing.T) {
		t.Parallel()
		redis := testserver.Redis(t)
		conformance(t, redis.URL(), redis)
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		var hosts []string
		for _, node := range testserver.RedisCluster(t, 3) {
			hosts = append(hosts, node.Addr())
		}
		conformance(t, "redis://"+strings.Join(hosts, ","), nil)
	})
	t.Run("tls", func(t *testing.T) {
		t.Parallel()
		redis := testserver.RedisTLS(t)
		redis.Do(t, append([]string{"ACL", "SETUSER", "shop", "on", ">secret"}, strings.Fields("~*:session:* ~*:footfall:check -@all +get +set +del +pttl +pexpire +evalsha +eval +ping")...)...)
		address := "rediss://shop:secret@" + redis.TLSAddr() + "?ca=" + redis.CA()
		conformance(t, address, redis)
		if err := open(t, "rediss://shop:secret@"+redis.TLSAddr(), redisstore.Options{}).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("Check with a certificate that nobody vouches for = %v", err)
		}
	})
	t.Run("acl_user", func(t *testing.T) {
		t.Parallel()
		redis := testserver.Redis(t)
		redis.Do(t, append([]string{"ACL", "SETUSER", "shop", "on", ">p@ss:word/1"},
			strings.Fields("~shop:session:* ~shop:metrics:* ~shop:footfall:check -@all +get +set +del +pttl +pexpire +evalsha +eval +ping")...)...)
		address := "redis://shop:p%40ss%3Aword%2F1@" + redis.Addr()
		s := open(t, address, redisstore.Options{Prefix: "shop:"})
		if stored, err := s.Put(t.Context(), id, "s", []byte(doc), 0, 1, time.Minute); err != nil || !stored {
			t.Fatal(stored, err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.SetMetrics(t.Context(), 1, "2026-01-31", 2); err != nil {
			t.Error(err)
		}
		if says, err := s.Describe(t.Context()); err != nil || says == "" {
			t.Errorf("Describe = %q, %v: the right to ask is not needed", says, err)
		}
		if err := open(t, strings.Replace(address, "p%40ss", "wrong", 1), redisstore.Options{}).Check(t.Context()); err == nil || strings.Contains(err.Error(), "/1") {
			t.Errorf("Check with a wrong password = %v", err)
		}
	})
}
