package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/bench/serve"
)

func TestFractions(t *testing.T) {
	for list, want := range map[string]fractions{"0.5": {0.5}, "0.5,0.35": {0.35, 0.5}, "": nil, "0": nil, "0.5,": nil, "-1": nil, "NaN": nil, "half": nil} {
		var f fractions
		if err := f.Set(list); (err == nil) != (want != nil) || err == nil && !slices.Equal(f, want) {
			t.Errorf("Set(%q): %v, %v; want %v", list, f, err, want)
		}
	}
}

// Each rate has its own columns, with the median of its own rounds, and a server
// may be overloaded at one of them only.
func TestTable_Latencies(t *testing.T) {
	tab := made(40, 60)
	tab.plan = plan{parts: fractions{0.35, 0.5}, paced: []float64{14_000, 20_000}}
	for _, figures := range tab.figures {
		for i := range figures {
			ms := time.Duration(1+i) * time.Millisecond
			figures[i].Paced = []paced{{P50: ms, P99: 10 * ms, Rate: 13_990}, {P50: 3 * ms, P99: 30 * ms, Rate: 19_990}}
		}
	}
	for i := range tab.figures[serve.MemorySQLite] {
		tab.figures[serve.MemorySQLite][i].Paced[1].Rate = 15_000
	}
	lines := strings.Split(tab.markdown(), "\n")
	if want := "| p50 at 0.35 × bare's: 14,000/s | p99 | p50 at 0.5 × bare's: 20,000/s | p99 |"; !strings.HasSuffix(lines[0], want) {
		t.Errorf("the head is %s", lines[0])
	}
	for i, k := range tab.kinds {
		want := "| 2.0 ms | 20.0 ms | 6.0 ms | 60.0 ms |"
		if k.Name == serve.MemorySQLite {
			want = "| 2.0 ms | 20.0 ms | overloaded | (15,000/s) |"
		}
		if line := lines[2+i]; !strings.HasSuffix(line, want) || strings.Count(line, "|") != strings.Count(lines[0], "|") {
			t.Errorf("%s, want its end to be %s", line, want)
		}
	}
}
