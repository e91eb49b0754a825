package scenarios_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/store"
)

// fatBrowser sends the longest texts, full of what some encodings make longer.
func fatBrowser(s *stage.Stage, i int) *stage.Browser {
	b := stage.NewBrowser(s.T, s.Site())
	b.Addr = fmt.Sprintf("203.%d.%d.7:4711", i>>8&255, i&255)
	b.Header.Set("User-Agent", stage.Firefox+" "+strings.Repeat("<", 1000))
	b.Header.Set("Referer", "https://search.example/?q="+strings.Repeat("<>&\"", 1000))
	return b
}

func fatPage() string {
	page := "/?q=" + strings.Repeat("<", 1000)
	for _, name := range []string{"source", "medium", "campaign", "term", "content"} {
		page += "&utm_" + name + "=" + strings.Repeat("%22%3C%0a%ff", 100)
	}
	return strings.ReplaceAll(page, "<", "%3C")
}

// A session that begins with the longest texts takes bounded room wherever it is: in the
// hot store, in the archive, and in the texts that are shown.
func TestTexts_OfASessionTakeFourKiBTogether(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) { c.NewSessionsPerMinute = -1 })
	b := fatBrowser(s, 1)
	b.Do("GET", fatPage())
	id := stage.SessionOf(t, b)
	rec := s.Stored(id)
	if n := s.Count("strings_cut"); n != 1 {
		t.Errorf("%d sessions with cut texts are counted of 1", n)
	}
	again := rec.Session
	if again.Fit() {
		t.Errorf("the texts of a session in the archive take more than %d bytes together", store.MaxSessionText)
	}
	for _, text := range []string{rec.UserAgent, rec.Referrer, rec.LandingPage, rec.UTMSource, rec.UTMTerm} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || text == "" {
			t.Errorf("%q is stored: a text is UTF-8 without control characters, and some of it stays", text)
		}
	}
	doc, _, _, err := s.Hot.Read(context.Background(), id)
	if err != nil || len(doc) == 0 || len(doc) > store.MaxSessionText+1536 {
		t.Errorf("the hot store's document of a session with the longest texts has %d bytes (%v): 4 KiB of texts and the names of its members", len(doc), err)
	}
}

// A flood of sessions with the longest texts, past what the process may hold, costs
// neither the sessions of those who came back nor what strangers' sessions counted.
func TestFlood_OfFatSessionsStaysWithinItsBytes(t *testing.T) {
	t.Parallel()
	const hotBytes, liveBytes, flood = 16 << 20, 1 << 20, 3500
	s := stage.New(t, func(c *footfall.Config) { c.NewSessionsPerMinute, c.LiveBytes = -1, liveBytes })
	hot := memstore.NewSized(0, hotBytes)
	s.Hot.HotStore = hot
	regular := stage.NewBrowser(t, s.Site())
	regular.Do("POST", "/login/alice")
	regular.Do("GET", "/")
	id := stage.SessionOf(t, regular)
	site, page := s.Site(), fatPage()
	for i := range flood {
		b := fatBrowser(s, i)
		b.Handler = site
		b.Do("GET", page)
		if i%500 == 0 {
			s.Settle()
			if got := stage.Text(t, regular.Do("GET", "/me")); got != id+" alice" {
				t.Fatalf("after %d sessions of a flood a customer is answered with %q", i, got)
			}
		}
	}
	s.Settle()
	if hot.Bytes() > hotBytes || hot.Evicted() == 0 {
		t.Errorf("the hot store takes %d bytes of at most %d, and has dropped %d sessions", hot.Bytes(), hotBytes, hot.Evicted())
	}
	if s.Count("live_evicted") == 0 {
		t.Error("nothing left the tracker's table: it is bounded in bytes")
	}
	if live := s.Tracker.Status(context.Background()).LiveSessions; live > liveBytes/4096 {
		t.Errorf("%d sessions with 4 KiB of texts are held in %d bytes", live, liveBytes)
	}
	if n := s.Count("sessions_begun"); n != flood+1 {
		t.Errorf("%d sessions began of %d", n, flood+1)
	}
}
