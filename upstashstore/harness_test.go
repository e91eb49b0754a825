package upstashstore

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/internal/testserver/restfront"
	"github.com/footfall-go/footfall/store"
)

const (
	testToken = "AXrest-0f9e8d7c6b5a=+/secret"
	id1       = "01970000-0000-7000-8000-000000000001"
	id2       = "01970000-0000-7000-8000-000000000002"
	seen      = int64(1_790_000_000_000)
	doc1      = `{"sessionId":"` + id1 + `","note":"Körbe 🛒 <&>\u2028","version":1,"series":"s","pageViews":0,"lastSeenAt":"2026-09-21T00:00:00.000Z"}`
)

// A site is a store, the front that it sends requests to, and the Redis server
// behind that.
type site struct {
	*Store
	front  *restfront.Front
	server *httptest.Server
	redis  *testserver.RedisServer

	mu       sync.Mutex
	requests []http.Header
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{redis: testserver.Redis(t)}
	s.front = restfront.New(s.redis.Addr(), testToken)
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Header.Clone())
		s.mu.Unlock()
		s.front.ServeHTTP(w, r)
	}))
	t.Cleanup(s.server.Close)
	t.Cleanup(s.front.Close)
	s.Store = open(t, s.server.URL+"/", Options{Prefix: "t:"})
	return s
}

func open(t *testing.T, address string, options Options) *Store {
	t.Helper()
	s, err := Open(address, testToken, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// calls are the methods of a store.
func (s *site) calls() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"read": func(ctx context.Context) error {
			doc, _, _, err := s.Read(ctx, id1)
			if err == nil && doc == nil {
				return nil
			}
			return err
		},
		"put": func(ctx context.Context) error {
			_, err := s.Put(ctx, id1, "s", []byte(doc1), 0, seen, time.Hour)
			return err
		},
		"merge": func(ctx context.Context) error {
			_, err := s.Merge(ctx, id1, "s", "w", store.Activity{Views: 1, LastSeen: seen}, time.Hour)
			return err
		},
		"delete":  func(ctx context.Context) error { return s.Delete(ctx, id1) },
		"check":   s.Check,
		"metrics": func(ctx context.Context) error { return s.SetMetrics(ctx, 1, "2026-09-21", 2) },
	}
}

// mustFail checks an error: it has to be one line that begins with the package's
// name and does not contain the token.
func mustFail(t *testing.T, name string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	says := err.Error()
	if !strings.HasPrefix(says, "upstashstore: "+name+": ") || strings.Count(says, "upstashstore") != 1 || strings.Contains(says, "\n") || strings.Contains(says, "Post ") || len(says) > 500 {
		t.Errorf("%s: the error is %q", name, says)
	}
	if strings.Contains(says, testToken) || strings.Contains(says, "0f9e8d7c6b5a") {
		t.Errorf("%s: the token is in the error %q", name, says)
	}
	for _, part := range parts {
		if !strings.Contains(says, part) {
			t.Errorf("%s: the error is %q, want %q in it", name, says, part)
		}
	}
}

func (s *site) mustPut(t *testing.T, id, doc string) {
	t.Helper()
	if stored, err := s.Put(t.Context(), id, "s", []byte(doc), 0, seen, time.Hour); err != nil || !stored {
		t.Fatalf("Put = %v, %v", stored, err)
	}
}

func (s *site) mustRun(t *testing.T, args ...string) any {
	t.Helper()
	v, err := s.run(t.Context(), args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return v
}
