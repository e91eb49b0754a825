package scenarios_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/store"
)

// views are the pages of a session's views, in order.
func views(t *testing.T, s *stage.Stage, id string) (pages []string) {
	t.Helper()
	s.Settle()
	events, err := s.SQLite.Events(context.Background(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.EventType == store.EventPageView {
			pages = append(pages, e.Page)
		}
	}
	return pages
}

// A page that was fetched ahead counts when it is shown: a request whose Referer it is
// says that it was.
func TestPrefetch_CountsWhenItIsShown(t *testing.T) {
	t.Parallel()
	for name, header := range map[string][2]string{
		"speculation rules": {"Sec-Purpose", "prefetch"}, "Turbo": {"X-Sec-Purpose", "prefetch"}, "htmx": {"HX-Preloaded", "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stage.New(t, nil)
			b := stage.NewBrowser(t, s.Site())
			b.Do("GET", "/")
			ahead := func(path string) {
				r := b.Request("GET", path)
				r.Header.Set(header[0], header[1])
				b.Send(r)
			}
			from := func(page, path string) {
				r := b.Request("GET", path)
				r.Header.Set("Sec-Fetch-Mode", "cors")
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				r.Header.Set("Referer", stage.Origin+page)
				b.Send(r)
			}
			ahead("/p/1?color=red")
			ahead("/p/2")
			ahead("/missing")
			id := stage.SessionOf(t, b)
			if got := views(t, s, id); len(got) != 1 {
				t.Fatalf("what was fetched ahead and not shown is counted: %q", got)
			}
			from("/", "/api/a")
			from("/p/1?color=red", "/style.css") // a picture or a style of the page says it too
			from("/p/1?color=red", "/api/b")
			from("/missing", "/api/c")
			b.Do("GET", "/p/2") // the browser asked for it after all
			from("/p/2", "/style.css")
			want := []string{"/", "/api/a", "/p/1?color=red", "/api/b", "/api/c", "/p/2"}
			got := views(t, s, id)
			if len(got) != len(want) {
				t.Fatalf("page views are %q, want %q", got, want)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("page views are %q, want %q: each page once, when it was shown", got, want)
					break
				}
			}
		})
	}
}

// Next.js adds a parameter of its own to what it fetches ahead.
func TestPrefetch_OfNextJS(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	r := b.Request("GET", "/p/1?size=4&_rsc=1abc")
	r.Header.Set("Next-Router-Prefetch", "1")
	b.Send(r)
	r = b.Request("GET", "/style.css")
	r.Header.Set("Referer", stage.Origin+"/p/1?size=4")
	b.Send(r)
	if got := views(t, s, stage.SessionOf(t, b)); len(got) != 2 || got[1] != "/p/1?size=4" {
		t.Errorf("page views are %q: the page that was fetched ahead was shown", got)
	}
}

// What is remembered of pages that were fetched ahead is bounded.
func TestPrefetch_RemembersFew(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	for i := range 100 {
		r := b.Request("GET", "/p/"+string(rune('a'+i%26))+string(rune('a'+i/26)))
		r.Header.Set("Purpose", "prefetch")
		b.Send(r)
	}
	for i := range 100 {
		r := b.Request("GET", "/style.css")
		r.Header.Set("Referer", stage.Origin+"/p/"+string(rune('a'+i%26))+string(rune('a'+i/26)))
		b.Send(r)
	}
	if got := views(t, s, stage.SessionOf(t, b)); len(got) != 1+8 {
		t.Errorf("%d of 100 pages that were fetched ahead are counted when shown: the last 8 are remembered", len(got)-1)
	}
}

// A page that fetches others ahead is shown: Turbo's user who moves from page to page may
// cause no other requests.
func TestPrefetch_APageThatFetchesAheadIsShown(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	id, from := stage.SessionOf(t, b), "/"
	for i := range 12 {
		page := fmt.Sprintf("/p/%d", i)
		r := b.Request("GET", page)
		for name, value := range map[string]string{"X-Sec-Purpose": "prefetch", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Referer": stage.Origin + from} {
			r.Header.Set(name, value)
		}
		b.Send(r)
		from = page
	}
	again := b.Request("GET", "/p/10") // a link to the page itself
	again.Header.Set("X-Sec-Purpose", "prefetch")
	again.Header.Set("Referer", stage.Origin+"/p/10")
	b.Send(again)
	style := b.Request("GET", "/style.css")
	style.Header.Set("Referer", stage.Origin+"/p/10")
	b.Send(style)
	if got := views(t, s, id); len(got) != 12 || got[11] != "/p/10" {
		t.Errorf("page views are %q, want those of the first page and of eleven that were fetched ahead and then fetched others: the last was not shown", got)
	}
}

// What a page that is rendered ahead asks for shows nothing, and takes no other page's
// place among those that are remembered.
func TestPrefetch_PartsOfAPageThatIsRenderedAhead(t *testing.T) {
	t.Parallel()
	for _, metadata := range []bool{true, false} {
		s := stage.New(t, nil)
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		id := stage.SessionOf(t, b)
		send := func(path, from, purpose, mode, dest string) {
			r := b.Request("GET", path)
			r.Header.Set("Referer", stage.Origin+from)
			if purpose != "" {
				r.Header.Set("Sec-Purpose", purpose)
			}
			if metadata {
				r.Header.Set("Sec-Fetch-Mode", mode)
				r.Header.Set("Sec-Fetch-Dest", dest)
			}
			b.Send(r)
		}
		const prerender = "prefetch;prerender"
		send("/p/1", "/", prerender, "navigate", "document")
		for i := range 12 {
			send(fmt.Sprintf("/api/%d", i), "/p/1", prerender, "cors", "empty")
		}
		if got := views(t, s, id); len(got) != 1 {
			t.Errorf("Fetch metadata %v: page views are %q before the page was shown", metadata, got)
		}
		send("/style.css", "/p/1", "", "no-cors", "style")
		if got := views(t, s, id); len(got) != 2 || got[1] != "/p/1" {
			t.Errorf("Fetch metadata %v: page views are %q, want / and /p/1, which was shown", metadata, got)
		}
	}
}

// Next.js asks for a page's data in a format of its own.
func TestPrefetch_OfNextJSInItsOwnFormat(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	site := s.Site()
	data := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/x-component")
		_, _ = io.WriteString(w, "0:[]")
	}))
	b := stage.NewBrowser(t, site)
	b.Do("GET", "/")
	send := func(target string, header ...string) {
		r := b.Request("GET", target)
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		b.Send(r)
	}
	b.Handler = data
	send("/p/1?_rsc=1abc", "RSC: 1", "Next-Url: /")
	send("/p/2?_rsc=1abc", "RSC: 1", "Next-Router-Prefetch: 1")
	b.Handler = site
	send("/style.css", "Referer: "+stage.Origin+"/p/2")
	if got := views(t, s, stage.SessionOf(t, b)); strings.Join(got, " ") != "/ /p/1 /p/2" {
		t.Errorf("page views are %q, want /, /p/1 which was asked for, and /p/2 which was fetched ahead and shown", got)
	}
}
