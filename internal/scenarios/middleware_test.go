package scenarios_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// A handler's context is Footfall's own: it carries what the server's carried,
// ends with it, works when the request is over, and says no secret when somebody
// prints it.
func TestHandler_Context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, nil)
		type key struct{}
		var kept context.Context
		h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			kept = r.Context()
			if got := kept.Value(key{}); got != "the server's" {
				t.Errorf("what the server put into the context is %v to the handler", got)
			}
			derived, cancel := context.WithTimeout(context.WithValue(kept, key{}, "the handler's"), time.Minute)
			defer cancel()
			if _, ok := footfall.FromContext(derived); !ok || derived.Value(key{}) != "the handler's" {
				t.Error("a context that is derived from the handler's has lost the session, or its own value")
			}
		}))
		b := stage.NewBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(context.WithValue(r.Context(), key{}, "the server's"))
			h.ServeHTTP(w, r.WithContext(ctx))
			if kept.Err() != nil {
				t.Errorf("the handler's context ended before the server's: %v", kept.Err())
			}
			cancel()
			if kept.Err() == nil {
				t.Error("the server's context is over and the handler's goes on")
			}
		}))
		b.Do("GET", "/")
		b.Do("GET", "/")
		if _, ok := footfall.FromContext(kept); !ok {
			t.Error("a context that outlives its request does not know the session any more")
		}
		wire, err := url.PathUnescape(b.Cookie("session"))
		if err != nil {
			t.Fatal(err)
		}
		secret := strings.Split(wire, ".")[1]
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
			text := fmt.Sprintf(form, kept)
			for _, leak := range []string{secret, fmt.Sprintf("%v", raw[:4])[1:], fmt.Sprintf("%#x, %#x", raw[0], raw[1])} {
				if strings.Contains(text, strings.Trim(leak, "[]")) {
					t.Errorf("a context that is printed with %s shows the session's secret: %s", form, text)
				}
			}
		}
	})
}

// A visitor who hangs up was there all the same.
func TestHandler_ClientDisconnects(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b.Send(b.Request("GET", "/gone").WithContext(ctx))
	b.Send(b.Request("POST", "/login/alice").WithContext(ctx))
	if rec := s.Stored(id); rec.PageViews != 2 || rec.CustomerID != "alice" {
		t.Errorf("after the client hung up %d page views and customer %q are stored: 2 and alice", rec.PageViews, rec.CustomerID)
	}
}

// Nested in itself the middleware counts once.
func TestHandler_Nested(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Tracker.Handler(s.Tracker.Handler(s.Site())))
	resp := b.Do("GET", "/")
	if got := cookieNames(resp); got != "session visitor_id" {
		t.Errorf("nested three times it sets %q", got)
	}
	if rec := s.Stored(stage.SessionOf(t, b)); rec.PageViews != 1 {
		t.Errorf("nested three times it counts %d page views", rec.PageViews)
	}
}

// Under Optional, inside of Handler or not, nothing begins.
func TestOptional(t *testing.T) {
	s := stage.New(t, nil)
	for name, h := range map[string]http.Handler{"alone": s.Tracker.Optional(stage.Page), "inside Handler": s.Tracker.Handler(s.Tracker.Optional(stage.Page))} {
		resp := stage.NewBrowser(t, h).Do("GET", "/")
		if resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: cookies %q", name, cookieNames(resp))
		}
	}
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	before := s.Stored(id)
	time.Sleep(2 * time.Millisecond)
	b.Do("GET", "/peek")
	if after := s.Stored(id); after.PageViews != before.PageViews || !after.LastSeenAt.Equal(before.LastSeenAt) {
		t.Errorf("Optional counted or extended: %+v, was %+v", after.Session, before.Session)
	}
}

// Answers with a cookie stay out of shared caches; others are left alone.
func TestHandler_CacheHeaders(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	for _, c := range []struct{ cache, vary, wantCache, wantVary string }{
		{"", "", "private, no-store", "Cookie"},
		{"public, max-age=600", "Accept", "private, no-store", "Accept, Cookie"},
		{"no-store, must-revalidate", "accept, cookie", "no-store, must-revalidate", "accept, cookie"},
		{"", "*", "private, no-store", "*"},
	} {
		h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.cache != "" {
				w.Header().Set("Cache-Control", c.cache)
			}
			if c.vary != "" {
				w.Header().Set("Vary", c.vary)
			}
		}))
		b := stage.NewBrowser(t, h)
		first, second := b.Do("GET", "/"), b.Do("GET", "/")
		if got, vary := first.Header.Get("Cache-Control"), strings.Join(first.Header["Vary"], ", "); got != c.wantCache || vary != c.wantVary {
			t.Errorf("with a cookie Cache-Control %q and Vary %q become %q and %q", c.cache, c.vary, got, vary)
		}
		if got := second.Header.Get("Cache-Control"); got != c.cache || cookieNames(second) != "" {
			t.Errorf("without a cookie Cache-Control %q becomes %q (cookies %q)", c.cache, got, cookieNames(second))
		}
	}
}

// The shop's own code may panic; the request ends all the same.
func TestHandler_IsPageViewPanics(t *testing.T) {
	s := stage.New(t, func(c *footfall.Config) {
		c.IsPageView = func(r *http.Request, status int, contentType string) bool {
			if status == 200 {
				panic("nil map")
			}
			return false
		}
	})
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(500)
			}
		}()
		fmt.Fprint(w, "hi")
	}))
	done := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", stage.Origin+"/", nil))
		done <- w.Code
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		t.Error("the request hangs for ever")
	}
}

// Middleware further in may still run when the answer has gone out.
func TestHandler_RestrictedBesideTheAnswer(t *testing.T) {
	s := stage.New(t, nil)
	h := s.Tracker.Handler(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Tracker.Uncounted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			for range 200 {
				s.Tracker.Uncounted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})).ServeHTTP(w, r)
			}
		})).ServeHTTP(w, r)
	}), 10*time.Millisecond, "too slow"))
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	b.Handler = h
	for range 30 {
		b.Do("GET", "/")
	}
	time.Sleep(20 * time.Millisecond)
}
