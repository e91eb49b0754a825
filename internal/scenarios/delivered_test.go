package scenarios_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// A page view is a document as it was delivered.
func TestDelivered_OneDocumentIsOneView(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	pdf := bytes.Repeat([]byte("%PDF"), 4096)
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(pdf))
	}))
	b := stage.NewBrowser(t, h)
	b.Do("GET", "/catalogue.pdf")
	for i := range 16 {
		r := b.Request("GET", "/catalogue.pdf")
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", i*1024, i*1024+1023))
		if resp := b.Send(r); resp.StatusCode != http.StatusPartialContent {
			t.Fatalf("the range is answered %d", resp.StatusCode)
		}
	}
	b.Handler = s.Site()
	if n := s.Stored(stage.SessionOf(t, b)).PageViews; n != 1 {
		t.Errorf("a document that was read once and in 16 ranges is %d page views, want 1", n)
	}
}

// A first request for a part of a document begins nothing.
func TestDelivered_APartBeginsNothing(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.pdf", time.Time{}, strings.NewReader("0123456789"))
	}))
	b := stage.NewBrowser(t, h)
	r := b.Request("GET", "/a.pdf")
	r.Header.Set("Range", "bytes=2-5")
	if resp := b.Send(r); resp.StatusCode != 206 || cookieNames(resp) != "" {
		t.Errorf("a part of a document is answered %d with the cookies %q", resp.StatusCode, cookieNames(resp))
	}
}

// What software repeats by itself is no activity: a session must be able to end while
// a forgotten tab's stream reconnects.
func TestDelivered_AStreamKeepsNoSessionAlive(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
	})
	for name, h := range map[string]http.Handler{"Handler": s.Tracker.Handler(stream), "Uncounted": s.Tracker.Uncounted(stream)} {
		for _, customer := range []bool{false, true} {
			b := stage.NewBrowser(t, s.Site())
			b.Do("GET", "/")
			if customer {
				b.Do("POST", "/login/alice")
			}
			id := stage.SessionOf(t, b)
			before := s.Stored(id)
			time.Sleep(5 * time.Millisecond)
			b.Handler = h
			for i := range 5 {
				r := b.Request("GET", "/live")
				r.Header.Set("Accept", "text/event-stream")
				r.Header.Set("Last-Event-ID", fmt.Sprint(i))
				b.Send(r)
			}
			if after := s.Stored(id); after.PageViews != before.PageViews || !after.LastSeenAt.Equal(before.LastSeenAt) {
				t.Errorf("under %s (customer: %v) a stream that reconnects makes page views %d of %d and activity %v of %v: it must change neither", name, customer, after.PageViews, before.PageViews, after.LastSeenAt, before.LastSeenAt)
			}
		}
		fresh := stage.NewBrowser(t, h)
		if resp := fresh.Do("GET", "/live"); cookieNames(resp) != "" {
			t.Errorf("under %s a stream alone begins a session", name)
		}
	}
}

// A picture that the handler names no type for is what net/http finds it to be.
func TestDelivered_TheTypeThatTheServerFinds(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	const png = "\x89PNG\x0D\x0A\x1A\x0A...."
	for by, write := range map[string]func(http.ResponseWriter){
		"Write":       func(w http.ResponseWriter) { _, _ = w.Write([]byte(png)) },
		"WriteString": func(w http.ResponseWriter) { _, _ = io.WriteString(w, png) },
		"io.Copy":     func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(strings.NewReader(png), 1000)) },
	} {
		server := serveReal(t, s, func(w http.ResponseWriter, _ *http.Request) { write(w) })
		resp := get(t, server, nil)
		if body := stage.Text(t, resp); resp.Header.Get("Content-Type") != "image/png" || body != png {
			t.Fatalf("by %s the picture arrives as %q, of the type %s", by, body, resp.Header.Get("Content-Type"))
		}
		if cookieNames(resp) != "" {
			t.Errorf("a picture without a Content-Type, by %s, begins a session: the server says that it is one", by)
		}
	}
}

// Nobody was there: the client of a first visit left before the first byte.
func TestDelivered_WhoLeftBeforeTheFirstByteOfAFirstVisit(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := httptest.NewServer(s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = footfall.FromContext(r.Context()) // begins a session, for this request alone so far
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
		_, _ = io.WriteString(w, "late")
	})))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", stage.Firefox)
	if resp, err := server.Client().Do(r); err == nil {
		resp.Body.Close()
		t.Fatal("the client did not leave")
	}
	server.Close()
	s.Settle()
	if n := s.Count("sessions_begun"); n != 0 {
		t.Errorf("%d sessions began for a client that left before the first byte of its first visit", n)
	}
}

// What a timeout keeps from being sent is no page view, whatever the handler wrote.
func TestDelivered_NotWhatATimeoutKeepsBack(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		_, _ = io.WriteString(w, "late")
	})
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	for name, h := range map[string]http.Handler{
		"inside of the timeout":  http.TimeoutHandler(s.Tracker.Handler(slow), 20*time.Millisecond, "too slow"),
		"outside of the timeout": s.Tracker.Handler(http.TimeoutHandler(slow, 20*time.Millisecond, "too slow")),
	} {
		b.Handler = h
		if resp := b.Do("GET", "/slow"); resp.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%s the answer is %d", name, resp.StatusCode)
		}
		time.Sleep(50 * time.Millisecond) // the handler inside may still be writing
		if n := s.Stored(id).PageViews; n != 1 {
			t.Errorf("%s: %d page views, want 1: the visitor saw an error", name, n)
		}
		fresh := stage.NewBrowser(t, h)
		if resp := fresh.Do("GET", "/slow"); cookieNames(resp) != "" {
			t.Errorf("%s: the error page of a first visit sets the cookies %q", name, cookieNames(resp))
		}
	}
}

// A proxy may write another Host than visitors use. The browser says what is the shop's own.
func TestPage_TheShopDoesNotReferToItself(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	r := b.Request("GET", "/sale")
	r.Host = "10.0.0.5:8080"
	for name, value := range map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Referer": "https://www.public-shop.example/"} {
		r.Header.Set(name, value)
	}
	b.Send(r)
	if rec := s.Stored(stage.SessionOf(t, b)); rec.Referrer != "" || rec.Channel != "Direct" {
		t.Errorf("the session has the referrer %q and the channel %q: its browser said that it comes from the shop's own page", rec.Referrer, rec.Channel)
	}
	b = stage.NewBrowser(t, s.Site())
	r = b.Request("GET", "/api")
	r.Host = "10.0.0.5:8080"
	for name, value := range map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Referer": "https://www.public-shop.example/sale?utm_source=letter"} {
		r.Header.Set(name, value)
	}
	b.Send(r)
	if rec := s.Stored(stage.SessionOf(t, b)); rec.UTMSource != "letter" || rec.LandingPage != "/sale?utm_source=letter" {
		t.Errorf("a fetch's session has the campaign %q and the landing page %q: they are those of the page that made it", rec.UTMSource, rec.LandingPage)
	}
}
