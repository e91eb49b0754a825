package serve

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/footfall-go/footfall/bench/load"
)

// NullWriter is an http.ResponseWriter that costs nothing.
type NullWriter struct {
	header http.Header
	Status int
}

// NewNullWriter makes one. Clear it between requests.
func NewNullWriter() *NullWriter { return &NullWriter{header: http.Header{}} }

// Clear forgets the last answer.
func (w *NullWriter) Clear() { clear(w.header); w.Status = 0 }

// Header implements http.ResponseWriter.
func (w *NullWriter) Header() http.Header { return w.header }

// Write implements http.ResponseWriter.
func (w *NullWriter) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (w *NullWriter) WriteHeader(status int) { w.Status = status }

// fillVisitors is how many sessions fill spreads its page views over.
const fillVisitors = 5_000

// fill has visitors look at that many pages, as fast as the tracker takes them.
func (t *tracked) fill(ctx context.Context, views int) error {
	visitors := make([]*http.Request, min(views, fillVisitors))
	for i := range visitors {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, PagePath, nil)
		r.Header.Set("User-Agent", load.Agent)
		w := httptest.NewRecorder()
		t.handler.ServeHTTP(w, r)
		result := w.Result()
		for _, c := range result.Cookies() {
			r.AddCookie(c)
		}
		_ = result.Body.Close()
		visitors[i] = r
	}
	var left atomic.Int64
	left.Store(int64(views - len(visitors)))
	var failed atomic.Bool
	var running sync.WaitGroup
	for range runtime.GOMAXPROCS(0) * 8 { // enough that appends to the journal share a write
		running.Go(func() {
			w := NewNullWriter()
			for n := left.Add(-1); n >= 0; n = left.Add(-1) {
				w.Clear()
				t.handler.ServeHTTP(w, visitors[int(n)%len(visitors)])
				if w.Status > http.StatusOK {
					failed.Store(true)
				}
			}
		})
	}
	running.Wait()
	if failed.Load() {
		return errors.New("fill: a request failed")
	}
	return nil
}

// collect collects garbage twice: what a pool holds goes in the second.
func collect() {
	runtime.GC()
	runtime.GC()
}
