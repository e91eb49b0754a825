package scenarios_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/memstore"
)

const (
	legacyID      = "550e8400-e29b-41d4-a716-446655440000"
	legacyVisitor = "9b2d7e1c-54a3-4f0e-8d15-6a1f2c3b4d5e"
)

// legacyCookie is what the Express service signed.
func legacyCookie(value string) string {
	mac := hmac.New(sha256.New, []byte(stage.Secret))
	mac.Write([]byte(value))
	return url.QueryEscape("s:" + value + "." + strings.TrimRight(base64.StdEncoding.EncodeToString(mac.Sum(nil)), "="))
}

// newLegacy is a fleet that adopts, and a browser that comes from the former
// service, which knows it as a customer.
func newLegacy(t *testing.T) (*stage.Fleet, *stage.Browser) {
	t.Helper()
	f := stage.NewFleetWith(t, 2, func(c *footfall.Config) { c.LegacyUntil = time.Now().Add(time.Hour) })
	putLegacy(t, f.Store, time.Now())
	b := stage.NewBrowser(t, f.Sites[0])
	return f, b.With(legacyCookie(legacyID))
}

func putLegacy(t *testing.T, store *memstore.Store, seen time.Time) {
	t.Helper()
	putLegacyRecord(t, store, seen, "")
}

// putLegacyRecord puts more members into the record.
func putLegacyRecord(t *testing.T, store *memstore.Store, seen time.Time, more string) {
	t.Helper()
	doc := fmt.Sprintf(`{"sessionId":%q,"visitorId":%q,"customerId":"alice","type":"CUSTOMER","ipAddress":"192.0.2.1","pageViews":3,"lastSeenAt":%q,"converted":false%s}`,
		legacyID, legacyVisitor, seen.UTC().Format("2006-01-02T15:04:05.000Z"), more)
	if stored, err := store.Put(context.Background(), legacyID, "", []byte(doc), 0, 0, time.Hour); err != nil || !stored {
		t.Fatal(stored, err)
	}
}

func TestLegacy_Adopted(t *testing.T) {
	t.Parallel()
	f, b := newLegacy(t)
	resp := b.Do("GET", "/")
	if got := stage.Text(t, resp); !strings.HasSuffix(got, " alice") {
		t.Errorf("a customer of the former service is answered %q", got)
	}
	if cookieNames(resp) != "session visitor_id" || b.Cookie("session") == legacyCookie(legacyID) {
		t.Errorf("the legacy cookie was not replaced: %v", resp.Cookies())
	}
	if !strings.Contains(b.Cookie("visitor_id"), "v1."+legacyVisitor) {
		t.Errorf("the visitor is not the one of the record: %s", b.Cookie("visitor_id"))
	}
	for i := range f.Instances {
		if got := stage.Status(f.On(i, b, "GET", "/me")); got != http.StatusOK {
			t.Errorf("the adopted session is worth %d on instance %d", got, i)
		}
	}
	f.Settle()
	rec := f.Instances[0].Stored(stage.SessionOf(t, b))
	if rec.CustomerID != "alice" || rec.VisitorID != legacyVisitor || rec.PageViews != 1 {
		t.Errorf("the archive has %+v", rec.Session)
	}
}

// A page's first requests come at once, to any instance.
func TestLegacy_ParallelRequestsGetOneSession(t *testing.T) {
	t.Parallel()
	f, first := newLegacy(t)
	cookies := make([]string, 12)
	var clients sync.WaitGroup
	for i := range cookies {
		b := first.With(legacyCookie(legacyID))
		b.Handler = f.Sites[i%2]
		clients.Go(func() {
			if got := stage.Status(b.Do("GET", "/me")); got != http.StatusOK {
				t.Errorf("a customer's request is %d while another adopts the session", got)
			}
			cookies[i] = b.Cookie("session")
		})
	}
	clients.Wait()
	for _, c := range cookies {
		if c != cookies[0] {
			t.Errorf("parallel requests got %q and %q", cookies[0], c)
		}
	}
}

func TestLegacy_OnlyOnce(t *testing.T) {
	t.Parallel()
	f, b := newLegacy(t)
	thief := b.With(legacyCookie(legacyID))
	b.Do("GET", "/")
	b.Do("POST", "/logout")
	if got := stage.Status(thief.Do("GET", "/me")); got != http.StatusUnauthorized {
		t.Errorf("a legacy cookie of a session that was logged out is worth %d", got)
	}
	// The hot store is put back to before the adoption.
	ctx := context.Background()
	if err := f.Store.Delete(ctx, "legacy-"+legacyID); err != nil {
		t.Fatal(err)
	}
	putLegacy(t, f.Store, time.Now())
	for i, s := range f.Instances {
		again := b.With(legacyCookie(legacyID))
		before := s.Hot.Reads.Load()
		if got := stage.Status(f.On(i, again, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("an old snapshot of the hot store made a legacy cookie worth %d again", got)
		}
		if reads := s.Hot.Reads.Load() - before; reads > 6 {
			t.Errorf("to find that out cost %d reads of the hot store: what is over is not waited for", reads)
		}
	}
}

func TestLegacy_Refused(t *testing.T) {
	t.Parallel()
	visitorSigned := legacyCookie("v1." + legacyID)
	for name, c := range map[string]struct {
		cookie string
		until  time.Duration
		seen   time.Duration
	}{
		"unsigned":               {legacyID, time.Hour, 0},
		"signed by somebody":     {strings.Replace(legacyCookie(legacyID), ".", ".A", 1), time.Hour, 0},
		"a visitor's value":      {visitorSigned, time.Hour, 0},
		"nothing behind it":      {legacyCookie("650e8400-e29b-41d4-a716-446655440000"), time.Hour, 0},
		"past the date":          {legacyCookie(legacyID), -time.Second, 0},
		"idle for too long":      {legacyCookie(legacyID), time.Hour, -31 * time.Minute},
		"upper case":             {legacyCookie(strings.ToUpper(legacyID)), time.Hour, 0},
		"no date, as by default": {legacyCookie(legacyID), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := stage.NewFleetWith(t, 1, func(config *footfall.Config) {
				if c.until != 0 {
					config.LegacyUntil = time.Now().Add(c.until)
				}
			})
			putLegacy(t, f.Store, time.Now().Add(c.seen))
			b := stage.NewBrowser(t, f.Sites[0]).With(c.cookie)
			if got := stage.Status(b.Do("GET", "/me")); got != http.StatusUnauthorized {
				t.Errorf("it is worth %d", got)
			}
		})
	}
}

func TestLegacy_OutageMintsNothing(t *testing.T) {
	t.Parallel()
	f, b := newLegacy(t)
	cookie := b.Cookie("session")
	for _, cut := range []func(*stage.Stage, bool){
		func(s *stage.Stage, off bool) { s.Hot.Down.Store(off) },
		func(s *stage.Stage, off bool) { s.Archive.Down.Store(off) },
	} {
		cut(f.Instances[0], true)
		if got := stage.Status(b.Do("GET", "/me")); got != http.StatusServiceUnavailable || b.Cookie("session") != cookie {
			t.Errorf("with a store away a legacy customer is answered %d and holds %q", got, b.Cookie("session"))
		}
		cut(f.Instances[0], false)
	}
	if got := stage.Status(b.Do("GET", "/me")); got != http.StatusOK {
		t.Errorf("after the outage the legacy customer is answered %d", got)
	}
}

// A request beside a login takes no cookie from it.
func TestLegacy_RequestBesideALogin(t *testing.T) {
	t.Parallel()
	_, b := newLegacy(t)
	other := b.With(legacyCookie(legacyID))
	if got := stage.Text(t, b.Do("POST", "/login/alice")); got != "ok" {
		t.Fatal(got)
	}
	resp := other.Do("GET", "/")
	if n := cookieNames(resp); n != "" {
		t.Errorf("a request that began on the legacy cookie set %q beside the login's cookie", n)
	}
}

// An order of a visitor whose legacy session cannot be read belongs to none.
func TestLegacy_OrderWithoutTheHotStore(t *testing.T) {
	t.Parallel()
	f, b := newLegacy(t)
	f.Instances[0].Hot.Down.Store(true)
	if got := stage.Text(t, b.Do("POST", "/order/o1")); got != "ok" {
		t.Fatal(got)
	}
	f.Settle()
	o, ok, err := f.SQLite.Order(context.Background(), "o1")
	if err != nil || !ok || o.SessionID != "" {
		t.Errorf("the order is %+v, %v, %v", o, ok, err)
	}
}

// What is not a live session of the former service is not adopted.
func TestLegacy_StrangeRecords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more string
		seen time.Duration
	}{
		"ended":            {`,"endedAt":"2026-01-31T00:00:00.000Z"`, 0},
		"with a secret":    {`,"secretHash":"x"`, 0},
		"of another":       {`,"sessionId":"650e8400-e29b-41d4-a716-446655440000"`, 0},
		"of the future":    {"", 10 * 365 * 24 * time.Hour},
		"without its type": {`,"type":"ANONYMOUS"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := stage.NewFleetWith(t, 1, func(config *footfall.Config) { config.LegacyUntil = time.Now().Add(time.Hour) })
			putLegacyRecord(t, f.Store, time.Now().Add(c.seen), c.more)
			b := stage.NewBrowser(t, f.Sites[0]).With(legacyCookie(legacyID))
			if got := stage.Status(b.Do("GET", "/me")); got != http.StatusUnauthorized {
				t.Errorf("it is worth %d", got)
			}
		})
	}
}

// An instance may end in the midst of an adoption. Whoever comes next, to whatever
// instance, finishes it, also when that is much later.
func TestLegacy_AnAdoptionThatWasCutOffIsFinished(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ago   time.Duration
		noted bool
	}{
		"named a moment ago":                  {0, false},
		"named and noted a moment ago":        {0, true},
		"named ten minutes ago":               {10 * time.Minute, false},
		"named and noted ten minutes ago":     {10 * time.Minute, true},
		"named and noted just before the end": {25 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, b := newLegacy(t)
			ctx := context.Background()
			as := idOf(time.Now().Add(-c.ago))
			if first, err := f.SQLite.KeepFirst(ctx, "legacy:"+legacyID, as); err != nil || first != as {
				t.Fatal(first, err)
			}
			if c.noted {
				if noted, err := f.Store.Put(ctx, "legacy-"+legacyID, "legacy", []byte(`{"adoptedAs":"`+as+`"}`), 0, 1, time.Hour); err != nil || !noted {
					t.Fatal(noted, err)
				}
			}
			var cookies []string
			for i := range f.Instances { // a page's requests, with the cookie that the browser had
				request := b.With(legacyCookie(legacyID))
				if got := stage.Text(t, f.On(i, request, "GET", "/me")); got != as+" alice" {
					t.Errorf("instance %d answers a customer whose adoption was cut off %q, want session %s of alice", i, got, as)
				}
				cookies = append(cookies, request.Cookie("session"))
			}
			if cookies[0] != cookies[1] {
				t.Errorf("the instances gave the cookies %q: both have to finish the same adoption", cookies)
			}
		})
	}
}

// idOf is the id of a session that was named at a time.
func idOf(at time.Time) string {
	return fmt.Sprintf("%08x-%04x-7000-8000-000000000001", at.UnixMilli()>>16, at.UnixMilli()&0xffff)
}

// A customer whose adoption fails is a customer as soon as the stores answer, whatever
// step it failed at.
func TestLegacy_AFailedAdoptionIsRepeated(t *testing.T) {
	t.Parallel()
	for _, fail := range []func(*stage.Stage, bool){
		func(s *stage.Stage, on bool) { s.Hot.ReadOnly.Store(on) },
		func(s *stage.Stage, on bool) { s.Archive.Down.Store(on) },
		func(s *stage.Stage, on bool) { s.Hot.ReadOnly.Store(on); s.Archive.FailsAfterKeepFirst.Store(on) },
		func(s *stage.Stage, on bool) { s.Archive.FailsAfterKeepFirst.Store(on) },
	} {
		f, b := newLegacy(t)
		fail(f.Instances[0], true)
		first := stage.Status(b.With(legacyCookie(legacyID)).Do("GET", "/me"))
		fail(f.Instances[0], false)
		if first != http.StatusOK && first != http.StatusServiceUnavailable {
			t.Errorf("while a store fails a legacy customer is answered %d", first)
		}
		for i := range f.Instances {
			if got := stage.Status(f.On(1-i, b.With(legacyCookie(legacyID)), "GET", "/me")); got != http.StatusOK {
				t.Errorf("after an adoption that was answered %d instance %d answers the customer %d", first, 1-i, got)
			}
		}
	}
}
