package upstashstore

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver/restfront"
)

func TestFailures(t *testing.T) {
	s := newSite(t)
	for name, f := range map[string]struct {
		fault restfront.Fault
		want  []string
	}{
		"401":            {restfront.Answer(401, "application/json", `{"error":"WRONGPASS invalid or missing auth token"}`), []string{"refuses the token", "401", "REST token"}},
		"401 by HTML":    {restfront.Answer(401, "text/html", `<h1>401</h1>`), []string{"refuses the token (401 Unauthorized)"}},
		"400":            {restfront.Answer(400, "application/json", `{"error":"ERR failed to parse command"}`), []string{"ERR failed to parse command"}},
		"400 of a proxy": {restfront.Answer(400, "text/html", `<html>`), []string{"400 Bad Request", "address"}},
		"404":            {restfront.Answer(404, "text/plain", "404 page not found\n"), []string{"404 Not Found", "address"}},
		"429":            {restfront.RateLimited(7 * time.Second), []string{"rate limit", "429", "Retry-After 7", "raise the plan's limit"}},
		"429 plain":      {restfront.Answer(429, "text/plain", ""), []string{"rate limit", "429"}},
		"quota":          {restfront.Answer(400, "application/json", `{"error":"ERR max requests limit exceeded. Limit: 500000, Usage: 500000."}`), []string{"max requests limit exceeded", "used up"}},
		"read-only":      {restfront.Answer(400, "application/json", `{"error":"NOPERM this user has no permissions to run the 'evalsha' command or its subcommand"}`), []string{"NOPERM", "not the read-only one"}},
		"500":            {restfront.Answer(500, "application/json", `{"error":"ERR internal\nerror"}`), []string{"the service fails", "500", "ERR internal error"}},
		"502 with HTML":  {restfront.Answer(502, "text/html", "<html><body>Bad gateway</body></html>"), []string{"the service fails (502 Bad Gateway)"}},
		"503 echo":       {restfront.Answer(503, "application/json", `{"error":"no upstream for Bearer `+testToken+`"}`), []string{"503", "no upstream", "[token]"}},
		"echo of token":  {restfront.Answer(400, "application/json", `{"error":"ERR `+testToken+`"}`), []string{"ERR [token]"}},
		"200 with HTML":  {restfront.Answer(200, "text/html", "<html>Log in</html>"), []string{"not in the form of the REST API"}},
		"200 empty":      {restfront.Answer(200, "application/json", ""), []string{"not in the form of the REST API"}},
		"truncated JSON": {restfront.Malformed, []string{"not in the form of the REST API"}},
		"cut answer":     {restfront.Truncate, []string{"broke off"}},
		"cut":            {restfront.Cut, []string{"EOF"}},
		"no base64":      {restfront.Answer(200, "application/json", `{"result":"{\"a\":1}"}`), nil},
		"huge":           {restfront.Huge(maxResponse + 1), []string{"longer than"}},
		"huge refusal":   {restfront.Answer(500, "text/plain", strings.Repeat("x", 4*maxRefusal)), []string{"500"}},
		"slow":           {restfront.Delay(time.Minute), []string{"deadline exceeded"}},
		"slow body":      {restfront.Trickle(time.Second), []string{"deadline exceeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.front.InjectAlways(f.fault)
			defer s.front.InjectAlways(nil)
			for call, do := range s.calls() {
				if name == "huge" && call != "read" && call != "merge" {
					continue // 16 MiB each
				}
				within := 5 * time.Second
				if strings.HasPrefix(name, "slow") {
					within = 60 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), within)
				began := time.Now()
				err := do(ctx)
				cancel()
				mustFail(t, call, err, f.want...)
				if strings.HasPrefix(name, "slow") {
					if took := time.Since(began); took > 3*time.Second || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s: %v after %v with a deadline of %v", call, err, took, within)
					}
				}
			}
		})
	}
	for call, do := range s.calls() {
		if err := do(t.Context()); err != nil {
			t.Errorf("%s, when all is well again: %v", call, err)
		}
	}
}

func TestNoDeadlineIsTwoSeconds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.front.InjectAlways(restfront.Delay(time.Minute))
	for call, do := range s.calls() {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			err := do(context.WithoutCancel(t.Context()))
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took < defaultTimeout || took > 5*defaultTimeout {
				t.Errorf("%v after %v", err, took)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	s := newSite(t)
	s.front.InjectAlways(restfront.Delay(time.Minute))
	for call, do := range s.calls() {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		began := time.Now()
		if err := do(ctx); !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
			t.Errorf("%s: %v after %v", call, err, time.Since(began))
		}
	}
	if before := s.Connects(); before != 0 {
		t.Errorf("Connects = %d, want 0 before the first answer", before)
	}
}

func TestUnreachable(t *testing.T) {
	s := newSite(t)
	s.server.Close()
	for call, do := range s.calls() {
		mustFail(t, call, do(t.Context()), "refused")
	}
	s.redis.Stop()
}

func TestRedisGone(t *testing.T) {
	s := newSite(t)
	s.redis.Stop()
	for call, do := range s.calls() {
		mustFail(t, call, do(t.Context()), "the service fails", "500")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer elsewhere.Close()
	s := newSite(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s.front.InjectAlways(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, elsewhere.URL+"/", status)
		})
		for call, do := range s.calls() {
			mustFail(t, call, do(t.Context()), "redirects", http.StatusText(status))
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d requests went where redirects lead", reached.Load())
	}
}

// A connection may break after the command took effect. Only repeatable commands
// are sent again, and only by net/http on a kept connection.
func TestKeptConnectionThatWasClosed(t *testing.T) {
	s := newSite(t)
	for _, do := range s.calls() {
		do(t.Context())
	}
	for call, again := range map[string]bool{"read": true, "merge": true, "delete": true, "put": false} {
		before := s.front.Requests()
		s.front.Inject(restfront.Cut)
		err := s.calls()[call](t.Context())
		if again != (err == nil) || s.front.Requests()-before != map[bool]int64{true: 2, false: 1}[again] {
			t.Errorf("%s: %v after %d requests", call, err, s.front.Requests()-before)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConnects(t *testing.T) {
	s := newSite(t)
	expect := func(want uint64, when string) {
		t.Helper()
		if got := s.Connects(); got != want {
			t.Errorf("Connects = %d %s, want %d", got, when, want)
		}
	}
	expect(0, "at first")
	for range 3 {
		s.mustRun(t, "PING")
	}
	expect(1, "after the first answers")
	s.front.Inject(restfront.RateLimited(0))
	s.run(t.Context(), "PING")
	s.run(t.Context(), "NOSUCHCOMMAND")
	s.mustRun(t, "PING")
	expect(1, "after answers that were refusals")
	s.front.Inject(restfront.Answer(503, "", ""), restfront.Answer(503, "", ""))
	s.run(t.Context(), "PING")
	s.run(t.Context(), "PING")
	expect(1, "while it fails")
	s.mustRun(t, "PING")
	s.mustRun(t, "PING")
	expect(2, "after a failure")
}
