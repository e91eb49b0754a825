//go:build !race

package footfall_test

import (
	"net/http/httptest"
	"testing"

	"github.com/footfall-go/footfall/internal/stage"
)

// A page view of a visitor whose session this process holds, served to a writer
// that costs nothing and with an archive that waits: the request path alone.
func TestCost_AllocationsOfAResumedPageView(t *testing.T) {
	const most = 4
	s := stage.New(t, nil)
	gate := make(chan struct{})
	h := s.Tracker.Handler(stage.Page)
	first := stage.NewBrowser(t, h)
	first.Do("GET", "/")
	s.Settle()
	s.Archive.Gate.Store(&gate)
	defer close(gate)
	r := first.Request("GET", "/products/1")
	w := &nullWriter{header: httptest.NewRecorder().Header()}
	least := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) })
	for range 30 { // what else the process does, like preparing the table of agents, only adds
		least = min(least, testing.AllocsPerRun(100, func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		}))
	}
	if least > most {
		t.Errorf("a resumed page view makes %v allocations, at most %d are allowed", least, most)
	}
}
