package scenarios_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Requests that change one value at a time lose nothing of each other.
func TestUpdateValue_InParallel(t *testing.T) {
	s := stage.New(t, nil)
	h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			err := s.Tracker.UpdateValue(r.Context(), "n", func(before json.RawMessage) (any, error) {
				n := 0
				if before != nil {
					if err := json.Unmarshal(before, &n); err != nil {
						return nil, err
					}
				}
				return n + 1, nil
			})
			if err == nil {
				return
			}
			if !errors.Is(err, footfall.ErrUnavailable) { // five conflicts in a row: again
				t.Error(err)
				return
			}
		}
	}))
	b := stage.NewBrowser(t, h)
	b.Do("POST", "/")
	var wg sync.WaitGroup
	for range 30 {
		r := b.Request("POST", "/")
		wg.Go(func() { b.With("").Send(r) })
	}
	wg.Wait()
	n := 0
	newValue := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.Tracker.Value(r.Context(), "n", &n); err != nil {
			t.Error(err)
		}
	}))
	b.Handler = newValue
	b.Do("POST", "/")
	if n != 31 {
		t.Errorf("31 requests that add one make %d", n)
	}
}
