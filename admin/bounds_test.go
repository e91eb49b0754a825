package admin_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/internal/count"
	_ "github.com/footfall-go/footfall/internal/shop" // its counters are the process's
	"github.com/footfall-go/footfall/internal/stage"
)

// boundsIn reads the table of what strangers can make longer: how often each counter
// stands in its column.
func boundsIn(t *testing.T) map[string]int {
	t.Helper()
	b, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(b), "\n## What strangers can make longer\n")
	if !ok {
		t.Fatal("docs/reliability.md has no section of what strangers can make longer")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	counter := regexp.MustCompile("`([a-z_]+)`")
	found := map[string]int{}
	rows := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 7 || strings.HasPrefix(strings.TrimSpace(cells[1]), "---") || strings.TrimSpace(cells[5]) == "counter" {
			continue
		}
		rows++
		for i, cell := range cells[1:] {
			if strings.TrimSpace(cell) == "" {
				t.Errorf("column %d of %q is empty: each line says what grows, by what, its bound, the bytes at it, a counter and what happens", i+1, strings.TrimSpace(line))
			}
		}
		for _, m := range counter.FindAllStringSubmatch(cells[5], -1) {
			found[m[1]]++
		}
	}
	if rows < 20 {
		t.Fatalf("%d lines of the table were read: the test does not know its form", rows)
	}
	return found
}

func TestBounds_TheTableAndTheCodeHaveTheSameCounters(t *testing.T) {
	s := stage.New(t, nil)
	open(t, s, nil)
	code := map[string]bool{}
	for _, m := range append(s.Tracker.Measures(), count.Process.Measures()...) {
		if m.Bound {
			code[m.Name] = true
		}
	}
	table := boundsIn(t)
	for _, name := range slices.Sorted(maps.Keys(code)) {
		if table[name] == 0 {
			t.Errorf("the counter %s is one of a bound, and the table in docs/reliability.md does not say of which", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !code[name] {
			t.Errorf("the table in docs/reliability.md names the counter %s, and the code has no counter of a bound with that name", name)
		}
	}
}
