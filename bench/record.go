package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/footfall-go/footfall/bench/serve"
)

// A record holds what was measured when the tables were last written. Later runs
// are compared with it, so it has only values that depend little on the machine.
type record struct {
	Measured  string                         `json:"measured"`
	Machine   string                         `json:"machine"`
	Scenarios map[string]map[string]recorded `json:"scenarios"` // by scenario and kind
}

type recorded struct {
	Ratio  float64 `json:"ratio"`  // CPU time as a multiple of bare's
	Allocs float64 `json:"allocs"` // heap objects per request
}

func recordPath() string { return filepath.Join(*flagRoot, "bench", "recorded.json") }

// readRecord reads a record. It returns an empty one if there is none.
func readRecord(path string) (*record, error) {
	rec := &record{Scenarios: map[string]map[string]recorded{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return rec, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, rec); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rec, nil
}

func (rec *record) write(path string) error {
	b, err := json.MarshalIndent(rec, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// take takes the values of tables into the record. Values that the tables do not
// have stay.
func (rec *record) take(tables []*table, machine string, at time.Time) {
	rec.Measured, rec.Machine = at.UTC().Format("2006-01-02"), machine
	for _, t := range tables {
		if rec.Scenarios[t.scenario] == nil {
			rec.Scenarios[t.scenario] = map[string]recorded{}
		}
		for _, k := range t.kinds {
			figures := t.figures[k.Name]
			rec.Scenarios[t.scenario][k.Name] = recorded{
				Ratio:  math.Round(100*ratio(figures, t.figures[serve.Bare])) / 100,
				Allocs: math.Round(10*median(figures).Allocs) / 10,
			}
		}
	}
}

// tolerance is how much worse a value may be without being a regression. Between
// runs on one machine, ratios differ by half of that.
const tolerance = 0.10

// A regression is a value of Footfall's that is worse than recorded.
type regression struct {
	scenario, kind, what string
	was, is              float64
}

func (r regression) String() string {
	if r.was == 0 {
		return fmt.Sprintf("%s, %s %s", r.scenario, r.kind, r.what)
	}
	return fmt.Sprintf("%s, %s: %s %.2f, recorded %.2f (%+.0f %%)", r.scenario, r.kind, r.what, r.is, r.was, 100*(r.is/r.was-1))
}

// worse lists the values that are worse now. Only Footfall's count; the other
// kinds are there for comparison.
func (rec *record) worse(now *record) (all []regression) {
	for scenario, kinds := range now.Scenarios {
		for name, is := range kinds {
			was, known := rec.Scenarios[scenario][name]
			if kind, _ := serve.KindOf(name); !kind.Footfall {
				continue
			}
			if !known {
				all = append(all, regression{scenario: scenario, kind: name, what: "is not recorded: run make bench", is: is.Ratio})
				continue
			}
			if is.Ratio > was.Ratio*(1+tolerance) {
				all = append(all, regression{scenario, name, "× bare", was.Ratio, is.Ratio})
			}
			if is.Allocs > was.Allocs*(1+tolerance) {
				all = append(all, regression{scenario, name, "allocations a request", was.Allocs, is.Allocs})
			}
		}
	}
	slices.SortFunc(all, func(a, b regression) int { return strings.Compare(a.String(), b.String()) })
	return all
}
