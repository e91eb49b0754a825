package footfall_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/footfall-go/footfall"
)

// nullWriter is an http.ResponseWriter that costs nothing.
type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(int)             {}

var page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })

func benchmarkHandler(b *testing.B, h http.Handler, cookies []*http.Cookie) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := httptest.NewRequest("GET", origin+"/products/1", nil)
		r.Header.Set("User-Agent", firefox)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := &nullWriter{header: http.Header{}}
		for pb.Next() {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
	})
}

// BenchmarkHandler compares the middleware with the handler it stands before:
// ns and allocations per request, what happens behind the journal included, but
// for the requests whose archive discards: they show the request path alone.
func BenchmarkHandler(b *testing.B) {
	b.Run("bare", func(b *testing.B) { benchmarkHandler(b, page, nil) })
	b.Run("resumed", func(b *testing.B) { benchmarkResumed(b, false) })
	b.Run("resumed-discarding", func(b *testing.B) { benchmarkResumed(b, true) })
	b.Run("new", func(b *testing.B) {
		s := newStage(b, func(c *footfall.Config) { c.JournalSync = 0; c.NewSessionsPerMinute = -1 })
		h := s.tracker.Handler(page)
		b.ResetTimer()
		benchmarkHandler(b, h, nil)
		b.StopTimer()
		_ = s.tracker.Close(context.Background())
	})
}

func benchmarkResumed(b *testing.B, discard bool) {
	b.Helper()
	s := newStage(b, func(c *footfall.Config) { c.JournalSync = 0 })
	s.archive.discard.Store(discard)
	h := s.tracker.Handler(page)
	r := httptest.NewRequest("GET", origin+"/", nil)
	r.Header.Set("User-Agent", firefox)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	b.ResetTimer()
	benchmarkHandler(b, h, w.Result().Cookies())
	b.StopTimer()
	if n := s.count("unacknowledged"); n > uint64(b.N/100) {
		b.Logf("%d of %d page views were not acknowledged", n, b.N)
	}
	_ = s.tracker.Close(context.Background())
}
