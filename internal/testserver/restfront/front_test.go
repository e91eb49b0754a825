package restfront_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/internal/testserver/restfront"
)

const token = "AXfront=+/token"

func newFront(t *testing.T) (*restfront.Front, *httptest.Server) {
	f := restfront.New(testserver.Redis(t).Addr(), token)
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	t.Cleanup(f.Close)
	return f, s
}

// TestNPMClient holds the front against the client that Upstash publishes.
func TestNPMClient(t *testing.T) {
	f, s := newFront(t)
	script, err := filepath.Abs("../../../scripts/interop/upstash.js")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "node", script, s.URL, token).CombinedOutput()
	if err != nil {
		t.Fatalf("node scripts/interop/upstash.js: %v (make setup installs what it needs)\n%s", err, out)
	}
	t.Logf("%s", bytes.TrimSpace(out))
	if f.Requests() < 150 || f.Commands() < f.Requests() {
		t.Errorf("%d requests, %d commands: the client talked to something else", f.Requests(), f.Commands())
	}
	if left := post(t, s, "/", `["DBSIZE"]`, nil); left != `{"result":0}` {
		t.Errorf("what it leaves behind: %s", left)
	}
}

// What the npm client needs has to fail its check when it is missing.
func TestNPMClientSeesAWrongFront(t *testing.T) {
	f, s := newFront(t)
	script, _ := filepath.Abs("../../../scripts/interop/upstash.js")
	for name, fault := range map[string]restfront.Fault{
		"no base64": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			r.Header.Del("Upstash-Encoding")
			next.ServeHTTP(w, r)
		},
		"errors with 200": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			w.Header().Set("Upstash-Sync-Token", "x")
			w.Write(rec.Body.Bytes())
		},
		"bare OK in lists": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			w.Header().Set("Upstash-Sync-Token", "x")
			w.WriteHeader(rec.Code)
			w.Write(bytes.ReplaceAll(rec.Body.Bytes(), []byte(`"T0s="`), []byte(`"OK"`)))
		},
	} {
		f.InjectAlways(fault)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if out, err := exec.CommandContext(ctx, "node", script, s.URL, token).CombinedOutput(); err == nil {
			t.Errorf("%s: %s", name, out)
		}
		cancel()
	}
}

func post(t *testing.T, s *httptest.Server, path, body string, header http.Header) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "error: " + err.Error()
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		return b.String() + "… " + err.Error()
	}
	return b.String()
}

func TestFaults(t *testing.T) {
	f, s := newFront(t)
	for _, c := range []struct {
		name  string
		fault restfront.Fault
		want  string
	}{
		{"rate limit", restfront.RateLimited(time.Second), `{"error":"ERR too many requests"}`},
		{"answer", restfront.Answer(502, "text/html", "<html>"), "<html>"},
		{"cut", restfront.Cut, "error: "},
		{"cut after", restfront.CutAfter, "error: "},
		{"truncate", restfront.Truncate, `{"resu… unexpected EOF`},
		{"malformed", restfront.Malformed, `{"resu`},
		{"delay", restfront.Delay(time.Millisecond), `{"result":`},
		{"trickle", restfront.Trickle(time.Millisecond), `{"result":`},
		{"huge", restfront.Huge(100), `{"result":"AAAA`},
	} {
		f.Inject(c.fault)
		if got := post(t, s, "/", `["INCR","n"]`, nil); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	// Those that did what they were asked: all but rate limit, answer, cut and huge.
	if got := post(t, s, "/", `["GET","n"]`, nil); got != `{"result":"5"}` {
		t.Errorf("the commands that took effect: %s, want 5", got)
	}
	if f.RequestsTo("/") != f.Requests() || f.Requests() != 10 {
		t.Errorf("%d requests, %d of them to /", f.Requests(), f.RequestsTo("/"))
	}
}

func TestTooLong(t *testing.T) {
	_, s := newFront(t)
	if got := post(t, s, "/", `["SET","a","`+strings.Repeat("x", restfront.MaxRequest)+`"]`, nil); !strings.HasPrefix(got, `{"error":"ERR max request size exceeded`) {
		t.Errorf("%.80s", got)
	}
}
