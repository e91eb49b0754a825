package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/footfall-go/footfall/bench/serve"
)

// A table holds the rounds of one scenario.
type table struct {
	scenario string
	kinds    []serve.Kind
	plan     plan
	figures  map[string][]figure // by kind, one for each round
}

// behind is the share of a paced rate that a server has to miss to count as
// overloaded.
const behind = 0.02

func (t *table) markdown() string {
	var b strings.Builder
	redis := false
	for _, k := range t.kinds {
		redis = redis || k.Redis
	}
	head := []string{"", "CPU a request", "× bare", "requests/s", "of bare", "allocations", "RSS"}
	if redis {
		head = append(head[:3], append([]string{"Redis, CPU"}, head[3:]...)...)
	}
	for i, rate := range t.plan.paced {
		head = append(head, fmt.Sprintf("p50 at %v × bare's: %s/s", t.plan.parts[i], thousands(rate)), "p99")
	}
	row(&b, head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
	}
	row(&b, rule)
	bare := median(t.figures[serve.Bare])
	for _, k := range t.kinds {
		f := median(t.figures[k.Name])
		cells := []string{k.Title, fmt.Sprintf("%.1f µs", f.CPU), fmt.Sprintf("%.2f", ratio(t.figures[k.Name], t.figures[serve.Bare]))}
		if redis {
			cell := ""
			if k.Redis {
				cell = fmt.Sprintf("%.1f µs", f.RedisCPU)
			}
			cells = append(cells, cell)
		}
		cells = append(cells, thousands(f.Peak), fmt.Sprintf("%.0f %%", 100*f.Peak/bare.Peak), allocations(k, f), mebibytes(f.RSS))
		for i, rate := range t.plan.paced {
			if l := f.Paced[i]; l.Rate < rate*(1-behind) {
				cells = append(cells, "overloaded", fmt.Sprintf("(%s/s)", thousands(l.Rate)))
			} else {
				cells = append(cells, latency(l.P50), latency(l.P99))
			}
		}
		row(&b, cells)
	}
	return b.String()
}

func allocations(k serve.Kind, f figure) string {
	if k.Node {
		return "" // V8 does not count allocations
	}
	return fmt.Sprintf("%.0f", f.Allocs)
}

// how returns the line under a table.
func (t *table) how() string {
	missed := ""
	for _, k := range t.kinds {
		for i, f := range t.figures[k.Name] {
			if f.Missed > 0 {
				missed += fmt.Sprintf(" In round %d the hot store of %s did not take %d writes.", i+1, k.Name, f.Missed)
			}
		}
	}
	return fmt.Sprintf("%s. Medians of %d rounds of %s requests, %s form, %d connections.", measured(), len(t.figures[serve.Bare]), thousands(float64(t.plan.requests)), t.plan.form, t.plan.connections) + missed
}

func row(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// thousands formats a number with three significant digits.
func thousands(n float64) string {
	text := fmt.Sprintf("%.0f", n)
	if n >= 1000 {
		step := 1.0
		for n/step >= 1000 {
			step *= 10
		}
		text = fmt.Sprintf("%.0f", float64(int(n/step+0.5))*step)
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func mebibytes(n float64) string { return fmt.Sprintf("%.0f MiB", n/(1<<20)) }

func latency(d time.Duration) string {
	if d < time.Millisecond {
		return fmt.Sprintf("%d µs", d.Round(10*time.Microsecond).Microseconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
