package footfall_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
)

// One test for each thing that the Express service got wrong, as far as this
// package decides it. Rows 10, 11, 28 and parts of 26 and 34 are package
// enrich's; 14, 15 and 17 the shop's; 2 and 22 also the command's.

func TestSeedDefect01_UnsignedSessionIsNoSession(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	signed := b.cookie("session")
	value := strings.TrimPrefix(strings.ReplaceAll(signed, "%3A", ":"), "s:")
	value = value[:strings.LastIndex(value, ".")]
	reads := s.hot.reads.Load()
	for _, forged := range []string{value, value[:36], "s:" + value, "s%3A" + value + ".", signed[:len(signed)-3] + "abc", "s%3A" + value + "." + strings.Repeat("A", 43)} {
		if got := text(t, b.with(forged).do("GET", "/peek")); got != "none" {
			t.Errorf("the unsigned or forged cookie %q is the session %q", forged, got)
		}
	}
	if n := s.hot.reads.Load() - reads; n != 0 {
		t.Errorf("cookies that nobody signed caused %d look-ups", n)
	}
}

func TestSeedDefect02_SecretsAreChecked(t *testing.T) {
	for _, bad := range [][]string{nil, {""}, {"short"}, {"your-super-secret-key-at-least-32-characters-long"}, {strings.Repeat("a", 64)}, {testSecret, "short"}} {
		if _, err := footfall.New(footfall.Config{Secrets: bad}); err == nil || !strings.Contains(err.Error(), "Config.Secrets") {
			t.Errorf("the secrets %q: error %v, want one that names the field", bad, err)
		}
	}
	t.Run("a key ring: the first signs, all verify, old signatures are renewed", func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		id, session, visitor := sessionOf(t, b), b.cookie("session"), b.cookie("visitor_id")
		s.config.Secrets = []string{"another secret, newer, of 32 bytes or more", testSecret}
		s.restart()
		b.handler = s.site()
		b.do("GET", "/")
		if got := sessionOf(t, b); got != id {
			t.Fatalf("rotating secrets made the session %s into %s", id, got)
		}
		if b.cookie("session") == session || b.cookie("visitor_id") == visitor {
			t.Error("cookies signed by the old secret were not signed anew")
		}
		s.config.Secrets = s.config.Secrets[:1]
		s.restart()
		b.handler = s.site()
		if got := sessionOf(t, b); got != id {
			t.Errorf("without the old secret the renewed cookie is %q", got)
		}
		if got := text(t, b.with(session).do("GET", "/peek")); got != "none" {
			t.Errorf("without the old secret its cookie still is %q", got)
		}
	})
}

func TestSeedDefect03_LoginReplacesWhatAuthenticates(t *testing.T) {
	s := newStage(t, nil)
	attacker := newBrowser(t, s.site())
	attacker.do("GET", "/")
	victim := attacker.with(attacker.cookie("session")) // the attacker planted it
	victim.do("POST", "/login/alice")
	if resp := attacker.do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("session fixation: the planted cookie is logged in (%d)", resp.StatusCode)
	}
}

func TestSeedDefect04_ExpiryIsCheckedOnEachRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		b := newBrowser(t, s.site())
		b.do("GET", "/")
		id := sessionOf(t, b)
		time.Sleep(29 * time.Minute)
		s.restart() // nothing in memory: the archive is read
		b.handler = s.site()
		if got := sessionOf(t, b); got != id {
			t.Fatalf("after 29 minutes and a restart the session is %q", got)
		}
		time.Sleep(2 * time.Minute) // a read is no activity
		s.restart()
		b.handler = s.site()
		if got := sessionOf(t, b); got != "none" {
			t.Errorf("after 31 idle minutes the archive brought %q back", got)
		}
	})
}

func TestSeedDefect05_LogoutIsDurable(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	thief := b.with(b.cookie("session"))
	s.archive.down.Store(true) // the journal has it, the archive does not
	if got := text(t, b.do("POST", "/logout")); got != "ok" {
		t.Fatal(got)
	}
	s.archive.down.Store(false)
	s.restart()
	thief.handler = s.site()
	if resp := thief.do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the next read restored a logged-out session: %d", resp.StatusCode)
	}
}

func TestSeedDefect06_OldCopiesDoNotWin(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	id := sessionOf(t, b)
	ctx := context.Background()
	old, version, _, _, err := s.hot.Read(ctx, id)
	if err != nil || old == nil {
		t.Fatal(err)
	}
	thief := b.with(b.cookie("session"))
	b.do("POST", "/logout")
	if err := s.hot.Delete(ctx, id); err != nil { // the hot store is restored from an old snapshot
		t.Fatal(err)
	}
	if _, err := s.hot.Put(ctx, id, "old", old, 0, version, time.Hour); err != nil {
		t.Fatal(err)
	}
	if resp := thief.do("GET", "/me"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an old copy in the hot store brought a logged-out session back: %d", resp.StatusCode)
	}
}

func TestSeedDefect07_ErrorIsNotAbsence(t *testing.T) {
	s := newStage(t, nil)
	site := s.site()
	anonymous, customer := newBrowser(t, site), newBrowser(t, site)
	anonymous.do("GET", "/")
	customer.do("POST", "/login/alice")
	known := map[*browser]string{anonymous: anonymous.cookie("session"), customer: customer.cookie("session")}
	s.restart() // this process holds nothing
	site = s.site()
	s.hot.down.Store(true)
	s.archive.down.Store(true)
	for b, cookie := range known {
		b.handler = site
		for _, path := range []string{"/", "/peek", "/missing"} {
			resp := b.do("GET", path)
			if path == "/" && resp.StatusCode != http.StatusOK {
				t.Errorf("with the stores down a page is %d: tracking fails open", resp.StatusCode)
			}
			if len(resp.Cookies()) != 0 || b.cookie("session") != cookie {
				t.Errorf("with the stores down GET %s set the cookies %v over a live session", path, resp.Cookies())
			}
		}
		if got := text(t, b.do("POST", "/login/bob")); got == "ok" {
			t.Error("a login was granted though nobody can know whose session it is")
		}
	}
	if resp := newBrowser(t, site).do("GET", "/"); cookieNames(resp) != "session visitor_id" {
		t.Errorf("a visitor with no cookie got %q: one still begins", cookieNames(resp))
	}
	s.hot.down.Store(false)
	s.archive.down.Store(false)
	if resp := customer.do("GET", "/me"); resp.StatusCode != http.StatusOK {
		t.Errorf("after the outage the customer is logged out: %d", resp.StatusCode)
	}
}

func TestSeedDefect08_OutageIs503Not401(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	s.hot.down.Store(true)
	s.archive.down.Store(true)
	for _, r := range []*http.Request{b.request("GET", "/me"), b.request("POST", "/logout")} {
		resp := b.send(r)
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("with the stores down %s %s is %d", r.Method, r.URL.Path, resp.StatusCode)
		}
		if r.Method == "GET" && resp.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	if b.cookie("session") == "" {
		t.Error("a logout that failed cleared the cookie")
	}
	s.hot.down.Store(false)
	s.archive.down.Store(false)
}

func TestSeedDefect09_VisitorIsSigned(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("GET", "/")
	visitor := s.stored(sessionOf(t, b)).VisitorID
	for _, forged := range []string{visitor, "v1." + visitor, "s%3Av1." + visitor + ".AAAA", b.cookie("session")} {
		other := newBrowser(t, b.handler)
		r := other.request("GET", "/")
		r.AddCookie(&http.Cookie{Name: "visitor_id", Value: forged})
		other.send(r)
		if got := s.stored(sessionOf(t, other)).VisitorID; got == visitor {
			t.Errorf("the forged visitor cookie %q was believed", forged)
		}
		if other.cookie("visitor_id") == "" {
			t.Error("a forged visitor cookie was not replaced")
		}
	}
	again := newBrowser(t, b.handler)
	r := again.request("GET", "/")
	r.AddCookie(&http.Cookie{Name: "visitor_id", Value: b.cookie("visitor_id")})
	again.send(r)
	if got := s.stored(sessionOf(t, again)).VisitorID; got != visitor {
		t.Errorf("a visitor who comes back is %s, was %s", got, visitor)
	}
}

func TestSeedDefect12_SecretsAreStoredHashed(t *testing.T) {
	var logged bytes.Buffer
	s := newStage(t, func(c *footfall.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	b := newBrowser(t, s.site())
	var secrets []string
	note := func() {
		value := strings.Split(strings.TrimPrefix(b.cookie("session"), "s%3A"), ".")
		secrets = append(secrets, value[1])
	}
	b.do("GET", "/")
	note()
	b.do("POST", "/login/alice")
	note()
	id := sessionOf(t, b)
	doc, _, _, _, err := s.hot.Read(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.do("POST", "/order/1")
	var stored bytes.Buffer
	stored.Write(doc)
	_ = s.tracker.Close(context.Background())
	_ = filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			content, _ := os.ReadFile(path)
			stored.Write(content)
		}
		return nil
	})
	for _, secret := range secrets {
		if bytes.Contains(stored.Bytes(), []byte(secret)) || bytes.Contains(logged.Bytes(), []byte(secret)) {
			t.Error("a session's secret is in a store or in the log")
		}
	}
	if !bytes.Contains(stored.Bytes(), []byte(id)) {
		t.Error("the session's id is nowhere: this test looks in the wrong place")
	}
}

func TestSeedDefect13_CookiesAreNotCached(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	for i, r := range []*http.Request{b.request("GET", "/"), b.request("POST", "/login/alice"), b.request("POST", "/logout")} {
		if i > 0 {
			r = b.request(r.Method, r.URL.Path)
		}
		resp := b.send(r)
		if resp.Header.Get("Cache-Control") != "private, no-store" || resp.Header.Get("Vary") != "Cookie" {
			t.Errorf("%s %s sets a cookie with Cache-Control %q and Vary %q", r.Method, r.URL.Path, resp.Header.Get("Cache-Control"), resp.Header.Get("Vary"))
		}
	}
}

func TestSeedDefect16_SecondCustomerGetsASessionOfHisOwn(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.do("POST", "/login/alice")
	b.do("POST", "/order/1")
	first := sessionOf(t, b)
	b.do("POST", "/login/bob")
	if rec := s.stored(first); rec.CustomerID != "alice" || rec.OrderID != "1" {
		t.Errorf("alice's session is now %q's, with order %q", rec.CustomerID, rec.OrderID)
	}
}

func TestSeedDefect18_TextIsCleaned(t *testing.T) {
	s := newStage(t, nil)
	b := newBrowser(t, s.site())
	b.header.Set("User-Agent", firefox+"\x1b[31m\r\n\x00<script>")
	b.header.Set("Referer", "https://evil.example/\x1b]0;owned\x07")
	b.do("GET", "/?utm_source=%1b%5b31mred%00%0a")
	rec := s.stored(sessionOf(t, b))
	for _, text := range []string{rec.UserAgent, rec.Referrer, rec.UTMSource, rec.LandingPage} {
		if strings.ContainsAny(text, "\x00\x07\x1b\r\n") {
			t.Errorf("control characters were stored: %q", text)
		}
	}
}
