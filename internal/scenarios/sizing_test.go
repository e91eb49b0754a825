package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// What docs/operations.md says about the size of a database, with few events. The figures
// there are of
//
//	FOOTFALL_SIZING=100000 go test -count=1 -v -run TestSizing ./internal/scenarios
func TestSizing_ADatabaseGrowsAsOperatorsAreTold(t *testing.T) {
	events := 2000
	if n, err := strconv.Atoi(os.Getenv("FOOTFALL_SIZING")); err == nil {
		events = n
	}
	sizes := map[int]float64{} // bytes of a database an event, by page views of a session
	for _, each := range []int{1, 5, 20} {
		total, peak := grow(t, events, each)
		sizes[each] = float64(total) / float64(events)
		t.Logf("%d page views, %d of a session: %.1f MiB, %.0f bytes an event; at most %.1f MiB with the WAL", events, each, mib(total), sizes[each], mib(peak))
	}
	// With e bytes an event and s a session, an event takes e + s/n where a session has n.
	session := (sizes[1] - sizes[20]) / (1 - 1./20)
	event := sizes[1] - session
	t.Logf("%.0f bytes an event and %.0f a session", event, session)
	if event < 30 || event > 300 || session < 120 || session > 600 {
		t.Errorf("an event takes %.0f bytes and a session %.0f: docs/operations.md says about 70 and 270; measure again and correct it", event, session)
	}
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// grow stores page views, each of a browser in a place of its own, and returns the size of
// the database when it is closed, and the most that it and its WAL took together.
func grow(t *testing.T, events, each int) (total, peak int64) {
	t.Helper()
	s := stage.New(t, func(c *footfall.Config) { c.NewSessionsPerMinute = -1 })
	file := filepath.Join(s.Dir, "footfall.db")
	var most atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			sum := int64(0)
			for _, name := range []string{file, file + "-wal"} {
				if info, err := os.Stat(name); err == nil {
					sum += info.Size()
				}
			}
			most.Store(max(most.Load(), sum))
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	h := s.Tracker.Handler(stage.Page)
	for i := range events / each {
		b := stage.NewBrowser(t, h)
		b.Addr = fmt.Sprintf("203.%d.%d.7:4711", i>>8&255, i&255)
		b.Header.Set("Referer", "https://www.google.com/")
		b.Do("GET", fmt.Sprintf("/products/%d?utm_source=newsletter&utm_medium=email&utm_campaign=autumn-%d", i%200, i%7))
		for view := 1; view < each; view++ {
			b.Header.Set("Referer", stage.Origin+"/products/1")
			b.Do("GET", fmt.Sprintf("/products/%d", (i+view)%200))
		}
	}
	s.Settle()
	close(stop)
	<-stopped
	if n := s.Count("page_views"); n != uint64(events/each*each) {
		t.Fatalf("%d page views were counted, want %d", n, events/each*each)
	}
	if err := s.SQLite.Close(); err != nil { // a checkpoint: the stage closes it again
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size(), most.Load()
}
