package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/bench/serve"
)

// made is a table as a run leaves it, with that CPU time and those allocations of
// Footfall's.
func made(cpu, allocs float64) *table {
	t := &table{scenario: "resumed", figures: map[string][]figure{}}
	for _, k := range serve.Kinds {
		t.kinds = append(t.kinds, k)
		f := figure{CPU: 20, Allocs: 40}
		if k.Footfall {
			f.CPU, f.Allocs = cpu, allocs
		}
		t.figures[k.Name] = []figure{f, f, f}
	}
	return t
}

func recordOf(t *table) *record {
	rec := &record{Scenarios: map[string]map[string]recorded{}}
	rec.take([]*table{t}, "a machine", time.UnixMilli(0))
	return rec
}

func TestRecord_FailsOnAWorseTable(t *testing.T) {
	rec := recordOf(made(40, 60))
	for _, c := range []struct {
		name   string
		tables []*table
		want   []string
	}{
		{"the same", []*table{made(40, 60)}, nil},
		{"nine per cent", []*table{made(43.6, 65)}, nil},
		{"better", []*table{made(10, 5)}, nil},
		{"CPU time", []*table{made(45, 60), made(45, 60)}, []string{"resumed, footfall: × bare 2.25, recorded 2.00 (+12 %)", "resumed, footfall+redis+mongodb"}},
		{"allocations", []*table{made(40, 70), made(40, 70)}, []string{"resumed, footfall: allocations a request 70.00, recorded 60.00 (+17 %)"}},
		{"once, and not again", []*table{made(45, 60), made(40, 60)}, nil},
		{"another each time", []*table{made(45, 60), made(40, 70)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			measured := 0
			err := rec.compare(func() (*record, error) {
				measured++
				return recordOf(c.tables[min(measured, len(c.tables))-1]), nil
			})
			if (err == nil) != (c.want == nil) {
				t.Fatalf("compare = %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not name %q:\n%v", want, err)
				}
			}
		})
	}
}

// What was never recorded has no figure to be worse than: that is no pass.
func TestRecord_FailsOnWhatIsNotRecorded(t *testing.T) {
	rec := recordOf(made(40, 60))
	delete(rec.Scenarios["resumed"], serve.MemorySQLite)
	err := rec.compare(func() (*record, error) { return recordOf(made(40, 60)), nil })
	if err == nil || !strings.Contains(err.Error(), "resumed, footfall is not recorded") {
		t.Errorf("compare = %v", err)
	}
}

func TestRecord_KeepsWhatWasNotMeasured(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recorded.json")
	rec, err := readRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	rec.Scenarios["new"] = map[string]recorded{serve.MemorySQLite: {Ratio: 5, Allocs: 200}}
	rec.take([]*table{made(40, 60)}, "a machine", time.Now())
	if err := rec.write(path); err != nil {
		t.Fatal(err)
	}
	read, err := readRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Scenarios["new"][serve.MemorySQLite]; got.Ratio != 5 {
		t.Errorf("what was recorded of another scenario is %+v now", got)
	}
	if got := read.Scenarios["resumed"][serve.MemorySQLite]; got != (recorded{2, 60}) {
		t.Errorf("recorded %+v", got)
	}
}

func TestPlace(t *testing.T) {
	const document = "before\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nafter\n"
	got, err := place(document, text{"a", "| new |\n"})
	if want := "before\n<!-- bench:a -->\n| new |\n<!-- /bench:a -->\nafter\n"; err != nil || got != want {
		t.Errorf("place = %q, %v", got, err)
	}
	if _, err := place(document, text{"b", "new"}); err == nil {
		t.Error("a text without marks was placed")
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[float64]string{7: "7", 999: "999", 1234: "1,230", 60_499: "60,500", 1_234_567: "1,230,000"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%v) = %s, want %s", n, got, want)
		}
	}
}
