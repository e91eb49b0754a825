package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFaults breaks things under a running shop. FOOTFALL_FAULTS is about how
// long it runs; without it there is one short kill and one short flood.
// FOOTFALL_FAULTS_SEED repeats a run, as far as a run of several processes can be
// repeated.
func TestFaults(t *testing.T) {
	length := time.Duration(0)
	if text := os.Getenv("FOOTFALL_FAULTS"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("FOOTFALL_FAULTS: %v: write it like 90s or 10m", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("FOOTFALL_FAULTS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("FOOTFALL_FAULTS_SEED: %q is not a number: use the one that a run printed", text)
		}
	}
	t.Logf("FOOTFALL_FAULTS_SEED=%d", seed)
	chosen := schedule(length, os.Getenv("FOOTFALL_FAULTS_ONLY"))
	if len(chosen.faults) == 0 {
		var names []string
		for _, f := range whole {
			names = append(names, f.name)
		}
		t.Fatalf("FOOTFALL_FAULTS_ONLY: there is no such fault: name a part of one of\n%s", strings.Join(names, "\n"))
	}
	dir, err := tempDir(t, "")
	if err != nil {
		t.Fatal(err)
	}
	p := &plan{t: t, ctx: t.Context(), binary: filepath.Join(dir, "footfall"), seed: seed, local: localRate, shared: sharedRate}
	p.skewed = sync.OnceValues(func() (string, error) { return buildSkewed(t.Context(), dir) })
	if err := build(t.Context(), p.binary); err != nil {
		t.Fatal(err)
	}
	rows, err := p.do(chosen.faults, chosen.each, func(r row) { tell(t, r) })
	t.Logf("\n%s\n%s", table(rows), summary(rows))
	if err != nil {
		t.Fatal(err)
	}
}

// tell logs the result of a fault, and fails for its findings.
func tell(t *testing.T, r row) {
	t.Helper()
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "%s: %d acknowledged, %d findings\n", r.name, r.acknowledged, len(r.findings))
	}
	const shown = 20
	for i, x := range r.findings {
		if i == shown {
			t.Errorf("%s: and %d more", r.name, len(r.findings)-shown)
			break
		}
		t.Errorf("%s: %s: %s: %s", r.name, x.kind, x.id, x.what)
	}
	if r.acknowledged == 0 {
		t.Errorf("%s: nothing was acknowledged: the fault tests nothing", r.name)
	}
	if r.shed > 0 {
		t.Logf("%s: %d arrivals were turned away by the harness", r.name, r.shed)
	}
}
