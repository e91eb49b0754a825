package upstashstore

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver/restfront"
	"github.com/footfall-go/footfall/store"
	"github.com/footfall-go/footfall/storetest"
)

var _ store.HotStore = (*Store)(nil)

func TestStore(t *testing.T) {
	s := newSite(t)
	var n atomic.Int32
	storetest.Run(t, storetest.Harness{
		Open: func(t *testing.T) store.HotStore {
			return open(t, s.server.URL, Options{Prefix: fmt.Sprintf("suite%d:", n.Add(1))})
		},
		Advance: time.Sleep,
		Plant: func(hot store.HotStore, id, value string) {
			s.redis.Do(t, "SET", hot.(*Store).prefix+"session:"+id, value, "EX", "600")
		},
	})
}

func TestOpenRefuses(t *testing.T) {
	for address, want := range map[string]string{
		"":                                     "not the URL",
		testToken:                              "not the URL",
		"NAME.upstash.io":                      "not the URL",
		"redis://NAME.upstash.io":              "not the URL",
		"https://":                             "not the URL",
		"https://a b/":                         "not the URL",
		"https://host:port":                    "not the URL",
		"https://default:pass@x.upstash.io":    "URL alone",
		"https://x.upstash.io?_token=" + "abc": "URL alone",
		"https://x.upstash.io/#x":              "URL alone",
		"http://x.upstash.io":                  "plain http would send the token unencrypted to x.upstash.io",
		"http://10.0.0.1:8079":                 "plain http",
		"http://localhost.example.com":         "plain http",
	} {
		if _, err := Open(address, testToken, Options{}); err == nil {
			t.Errorf("Open(%q) is accepted", address)
		} else {
			mustFail(t, "open", err, want)
		}
	}
	for _, token := range []string{"", "a b", "\"quoted\"", "a\n", "tökén", "a\x00"} {
		if _, err := Open("https://x.upstash.io", token, Options{}); err == nil || !strings.Contains(err.Error(), "token") {
			t.Errorf("a token of %q: %v", token, err)
		}
	}
	for _, address := range []string{"https://x.upstash.io", "https://x.upstash.io//", " https://x.upstash.io/ ", "http://localhost:1", "http://127.0.0.2:1/", "http://[::1]:1", "http://a.localhost", "https://proxy.example/redis/"} {
		if s, err := Open(address, testToken, Options{}); err != nil {
			t.Errorf("Open(%q): %v", address, err)
		} else if got := s.client.base.String(); strings.HasSuffix(got, "/") {
			t.Errorf("Open(%q) asks %s", address, got)
		}
	}
}

func TestRecordsAreUnderThePrefix(t *testing.T) {
	s := newSite(t)
	s.mustPut(t, id1, doc1)
	text, _ := s.mustRun(t, "GET", "t:session:"+id1).(string)
	if !strings.Contains(text, "Körbe 🛒") {
		t.Errorf("the value of the key is %q", text)
	}
	if ttl, _ := s.mustRun(t, "TTL", "t:session:"+id1).(int64); ttl < 3590 || ttl > 3600 {
		t.Errorf("its TTL is %d", ttl)
	}
	if err := s.Delete(t.Context(), id1); err != nil || s.mustRun(t, "DBSIZE") != int64(0) {
		t.Errorf("Delete: %v, and %v keys are left", err, s.mustRun(t, "DBSIZE"))
	}
}

func TestScriptsAreSentOnce(t *testing.T) {
	s := newSite(t)
	for n := range 3 {
		s.mustPut(t, fmt.Sprint("a", n), doc1)
		if _, err := s.Merge(t.Context(), fmt.Sprint("a", n), "s", "w", store.Activity{Views: 1, LastSeen: seen}, time.Hour); err != nil {
			t.Fatal(err)
		}
		if want := int64(3 + 2*n); s.front.Commands() != want || s.front.Requests() != want {
			t.Errorf("%d commands in %d requests, want %d: by their hash when the server has them", s.front.Commands(), s.front.Requests(), want)
		}
	}
	s.mustRun(t, "SCRIPT", "FLUSH")
	s.mustPut(t, id1, doc1)
	together(20, func(i int) {
		if merged, err := s.Merge(t.Context(), id1, "s", fmt.Sprint("w", i), store.Activity{Views: 1, LastSeen: seen}, time.Hour); err != nil || !merged {
			t.Errorf("Merge = %v, %v after the server forgot its scripts", merged, err)
		}
	})
	if _, _, all, err := s.Read(t.Context(), id1); all.Views != 20 || err != nil {
		t.Errorf("views %d, %v, want 20", all.Views, err)
	}
}

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestMergesGoTogether(t *testing.T) {
	s := newSite(t)
	const sessions = 400
	together(8, func(i int) {
		for n := i; n < sessions; n += 8 {
			s.mustPut(t, fmt.Sprint("s", n), doc1)
		}
	})
	s.mustRun(t, "RPUSH", "t:session:poison", "a list")
	s.front.InjectAlways(restfront.Delay(10 * time.Millisecond))
	before, beforeMulti := s.front.Requests(), s.front.RequestsTo("/pipeline")
	began := time.Now()
	together(sessions+3, func(i int) {
		switch id := fmt.Sprint("s", i); i {
		case sessions:
			if _, err := s.Merge(t.Context(), "poison", "s", "w", store.Activity{Views: 1, LastSeen: seen}, time.Hour); err == nil {
				t.Error("Merge into a list is no error")
			}
		case sessions + 1:
			if _, err := s.Merge(t.Context(), "bad\xff", "s", "w", store.Activity{Views: 1, LastSeen: seen}, time.Hour); err == nil {
				t.Error("an id that is no UTF-8 is no error")
			}
		case sessions + 2:
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			s.Merge(ctx, "s1", "s", "impatient", store.Activity{Views: 0, LastSeen: seen}, time.Hour)
		default:
			if merged, err := s.Merge(t.Context(), id, "s", "w", store.Activity{Views: int64(i), LastSeen: seen}, time.Hour); err != nil || !merged {
				t.Errorf("Merge = %v, %v", merged, err)
			}
		}
	})
	took := time.Since(began)
	requests := s.front.Requests() - before
	t.Logf("%d merges in %d requests and %v", sessions, requests, took)
	if requests > sessions/8 || requests != s.front.RequestsTo("/pipeline")-beforeMulti {
		t.Errorf("%d merges took %d requests, %d of them to /pipeline", sessions, requests, s.front.RequestsTo("/pipeline")-beforeMulti)
	}
	s.front.InjectAlways(nil)
	for i := range sessions {
		if _, _, all, err := s.Read(t.Context(), fmt.Sprint("s", i)); err != nil || all.Views != int64(i) || all.LastSeen != seen {
			t.Fatalf("session %d: %+v, %v", i, all, err)
		}
	}
}

func TestDocumentThatIsNoText(t *testing.T) {
	s := newSite(t)
	stored, err := s.Put(t.Context(), id1, "s", []byte("{\"a\":\"\xff\"}"), 0, seen, time.Hour)
	if stored {
		t.Error("a document that JSON cannot carry was stored")
	}
	mustFail(t, "put", err, "UTF-8")
	if s.front.Requests() != 0 {
		t.Errorf("%d requests", s.front.Requests())
	}
}

func TestReadsOwnWrites(t *testing.T) {
	s := newSite(t)
	s.mustPut(t, id1, doc1)
	s.Read(t.Context(), id1)
	s.Read(t.Context(), id1)
	var got []string
	for _, h := range s.requests {
		got = append(got, h.Get(syncHeader))
	}
	if fmt.Sprint(got) != "[ front-1 front-2]" {
		t.Errorf("sync tokens sent: %q", got)
	}

	var token syncToken
	_, early := token.get()
	token.note("write", early, true)
	token.note("an older reading", early, false)
	if v, _ := token.get(); v != "write" {
		t.Errorf("the token is that of %q: a reading that began before a write ended says less", v)
	}
	_, early = token.get()
	token.note("a reading", early, false)
	token.note("a write that began before", early, true)
	if v, _ := token.get(); v != "a write that began before" {
		t.Errorf("the token is that of %q: what was written has to be read", v)
	}
	token.note("write", early, true)
	token.note("", 1, true)
	token.note(strings.Repeat("x", 5000), 1, true)
	if v, _ := token.get(); v != "write" {
		t.Errorf("the token is %.20q", v)
	}
}

func TestMetrics(t *testing.T) {
	s := newSite(t)
	if err := s.SetMetrics(t.Context(), 41, "2026-09-21", 1234); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]struct {
		value string
		ttl   int64
	}{"t:metrics:active_users": {"41", 60}, "t:metrics:daily_visits:2026-09-21": {"1234", 7 * 24 * 3600}} {
		if v, ttl := s.mustRun(t, "GET", key), s.mustRun(t, "TTL", key).(int64); v != want.value || ttl > want.ttl || ttl < want.ttl-2 {
			t.Errorf("%s = %v for %d s, want %v for %d s", key, v, ttl, want.value, want.ttl)
		}
	}
	if s.front.RequestsTo("/pipeline") != 1 {
		t.Errorf("%d requests", s.front.RequestsTo("/pipeline"))
	}
}

func TestCheckAndDescribe(t *testing.T) {
	s := newSite(t)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	says, err := s.Describe(t.Context())
	if err != nil || !strings.HasPrefix(says, "Redis over REST at 127.0.0.1:") || !strings.Contains(says, ", version 7.") {
		t.Errorf("Describe = %q, %v", says, err)
	}
	// A server that ignores Upstash-Encoding answers PING with text that looks
	// like base64.
	s.front.InjectAlways(restfront.Answer(200, "application/json", `{"result":"PONG"}`))
	mustFail(t, "check", s.Check(t.Context()), "PONG")
	s.front.InjectAlways(restfront.Answer(400, "application/json", `{"error":"NOPERM no 'info'"}`))
	if says, err := s.Describe(t.Context()); err != nil || !strings.HasPrefix(says, "Redis over REST at ") {
		t.Errorf("Describe without the right to ask = %q, %v", says, err)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	s := newSite(t)
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(s.front)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	store := open(t, server.URL, Options{})
	for range 5 {
		together(32, func(int) {
			if _, _, _, err := store.Read(t.Context(), id1); err != nil {
				t.Error(err)
			}
		})
	}
	if n := opened.Load(); n > 80 {
		t.Errorf("160 reads, 32 at a time, made %d connections", n)
	}
}

func TestHTTP2(t *testing.T) {
	s := newSite(t)
	var protocol atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol.Store(r.Proto)
		s.front.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	store := open(t, server.URL, Options{})
	_, _, _, err := store.Read(t.Context(), id1)
	mustFail(t, "read", err, "certificate")

	config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	if config.RootCAs == nil {
		config.RootCAs = x509.NewCertPool()
	}
	store = open(t, server.URL, Options{})
	store.client.http.Transport.(*http.Transport).TLSClientConfig = config
	if _, _, _, err := store.Read(t.Context(), id1); err != nil || protocol.Load() != "HTTP/2.0" {
		t.Errorf("Read over TLS: %v, %v", err, protocol.Load())
	}
	own := open(t, server.URL, Options{HTTPClient: server.Client()})
	if err := own.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
