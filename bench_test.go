package footfall_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/footfall-go/footfall/internal/stage"

	"github.com/footfall-go/footfall"
)

// nullWriter is an http.ResponseWriter that costs nothing.
type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(int)             {}

func benchmarkHandler(b *testing.B, h http.Handler, cookies []*http.Cookie) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := httptest.NewRequest("GET", stage.Origin+"/products/1", nil)
		r.Header.Set("User-Agent", stage.Firefox)
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
	b.Run("bare", func(b *testing.B) { benchmarkHandler(b, stage.Page, nil) })
	b.Run("resumed", func(b *testing.B) { benchmarkResumed(b, false) })
	b.Run("resumed-discarding", func(b *testing.B) { benchmarkResumed(b, true) })
	b.Run("new", func(b *testing.B) {
		s := stage.New(b, func(c *footfall.Config) { c.JournalSync = 0; c.NewSessionsPerMinute = -1 })
		h := s.Tracker.Handler(stage.Page)
		b.ResetTimer()
		benchmarkHandler(b, h, nil)
		b.StopTimer()
		_ = s.Tracker.Close(context.Background())
	})
}

func benchmarkResumed(b *testing.B, discard bool) {
	b.Helper()
	s := stage.New(b, func(c *footfall.Config) { c.JournalSync = 0 })
	s.Archive.Discard.Store(discard)
	h := s.Tracker.Handler(stage.Page)
	r := httptest.NewRequest("GET", stage.Origin+"/", nil)
	r.Header.Set("User-Agent", stage.Firefox)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	b.ResetTimer()
	benchmarkHandler(b, h, w.Result().Cookies())
	b.StopTimer()
	if n := s.Count("unacknowledged"); n > uint64(b.N/100) {
		b.Logf("%d of %d page views were not acknowledged", n, b.N)
	}
	_ = s.Tracker.Close(context.Background())
}
