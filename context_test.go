package footfall_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
)

// A handler's context is Footfall's own: it carries what the server's carried,
// ends with it, works when the request is over, and says no secret when somebody
// prints it.
func TestHandler_Context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		type key struct{}
		var kept context.Context
		h := s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		b := newBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		b.do("GET", "/")
		b.do("GET", "/")
		if _, ok := footfall.FromContext(kept); !ok {
			t.Error("a context that outlives its request does not know the session any more")
		}
		wire, err := url.PathUnescape(b.cookie("session"))
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
