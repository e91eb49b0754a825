package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A livePoint is what so many live sessions cost.
type livePoint struct {
	Sessions int     `json:"sessions"`
	Held     int64   `json:"held"`    // in the tracker's table
	HotHeld  int     `json:"hotHeld"` // in the hot store
	Heap     int64   `json:"heap"`    // alive after a garbage collection, without what there was before
	RSS      int64   `json:"rss"`
	Text     int64   `json:"text"` // bytes of the sessions' own strings, each once
	CPU      float64 `json:"cpu"`  // µs a resumed request, work behind the answers included
}

// live is what a session costs that is alive: memory, and whether requests become
// dearer with the number of the others.
func live(ctx context.Context, r *report) error {
	sessions := full(1_000_000)
	var points []livePoint
	if err := inside(ctx, &points, "live", "-live", strconv.Itoa(sessions)); err != nil {
		return err
	}
	var b strings.Builder
	row(&b, []string{"live sessions", "heap", "heap, one more session", "of it its own text", "RSS", "CPU a resumed request"})
	row(&b, []string{"---", "---", "---", "---", "---", "---"})
	for i, p := range points {
		n := float64(p.Sessions)
		more := "" // the first thousand fill caches too
		if i > 0 {
			before := points[i-1]
			more = fmt.Sprintf("%.0f bytes", float64(p.Heap-before.Heap)/float64(p.Sessions-before.Sessions))
		}
		row(&b, []string{
			thousands(n), mebibytes(float64(p.Heap)), more, fmt.Sprintf("%.0f bytes", float64(p.Text)/n),
			mebibytes(float64(p.RSS)), fmt.Sprintf("%.1f µs", p.CPU),
		})
	}
	last := points[len(points)-1]
	r.say("live", b.String()+"\n"+measured()+fmt.Sprintf(". Of %d sessions the tracker's table holds %d and the hot store %d.\n", last.Sessions, last.Held, last.HotHeld))
	return nil
}

// liveSteps are the numbers of live sessions at which is measured.
func liveSteps(most int) []int {
	steps := []int{}
	for _, n := range []int{1_000, 10_000, 100_000} {
		if n < most && (n != 10_000 || most < 1_000_000) {
			steps = append(steps, n)
		}
	}
	return append(steps, most)
}

const liveSettle = 3 * time.Second // the hot store is told once a second
