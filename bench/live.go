package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A livePoint is the cost of this many live sessions.
type livePoint struct {
	Sessions int     `json:"sessions"`
	Held     int64   `json:"held"`    // in the tracker's table
	HotHeld  int     `json:"hotHeld"` // in the hot store
	Heap     int64   `json:"heap"`    // alive after a garbage collection, minus what was there before
	RSS      int64   `json:"rss"`
	Text     int64   `json:"text"` // bytes of the sessions' own strings, each counted once
	CPU      float64 `json:"cpu"`  // µs per resumed request, including work done after the answers
}

// live measures the cost of a live session: its memory, and whether requests get
// more expensive with the number of other sessions.
func live(ctx context.Context, r *report) error {
	sessions := strconv.Itoa(full(1_000_000))
	var alone, whole []livePoint
	if err := inside(ctx, &alone, "live", "-live", sessions, "-discard"); err != nil {
		return err
	}
	if err := inside(ctx, &whole, "live", "-live", sessions); err != nil {
		return err
	}
	var b strings.Builder
	row(&b, []string{"live sessions", "as it comes: in the table, the hot store", "heap", "one more session", "of it its own text", "RSS", "CPU a resumed request", "without SQLite: heap", "one more session", "CPU a resumed request"})
	row(&b, []string{"---", "---", "---", "---", "---", "---", "---", "---", "---", "---"})
	for i, w := range whole {
		p := alone[i]
		row(&b, []string{
			thousands(float64(w.Sessions)), w.held(), mebibytes(float64(w.Heap)), oneMore(whole, i), fmt.Sprintf("%.0f bytes", float64(w.Text)/float64(w.Sessions)), mebibytes(float64(w.RSS)), fmt.Sprintf("%.1f µs", w.CPU),
			mebibytes(float64(p.Heap)), oneMore(alone, i), fmt.Sprintf("%.1f µs", p.CPU),
		})
	}
	r.say("live", b.String()+"\n"+measured()+".\n")
	return nil
}

// oneMore returns the heap that one more session takes, from the growth since the
// previous point. The first thousand sessions also fill caches.
func oneMore(points []livePoint, i int) string {
	if i == 0 {
		return ""
	}
	before := points[i-1]
	return fmt.Sprintf("%.0f bytes", float64(points[i].Heap-before.Heap)/float64(points[i].Sessions-before.Sessions))
}

func (p livePoint) held() string {
	return thousands(float64(p.Held)) + ", " + thousands(float64(p.HotHeld))
}

// liveSteps are the numbers of live sessions at which the costs are measured.
func liveSteps(most int) []int {
	steps := []int{}
	for _, n := range []int{1_000, 10_000, 100_000} {
		if n < most && (n != 10_000 || most < 1_000_000) {
			steps = append(steps, n)
		}
	}
	return append(steps, most)
}

const liveSettle = 3 * time.Second // the hot store gets activity once a second
