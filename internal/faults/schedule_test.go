package faults

import (
	"testing"
	"time"
)

// TestSchedule: faults have names of their own, the shorter lists are part of the
// whole one, and a run takes about as long as it is told.
func TestSchedule(t *testing.T) {
	names := map[string]bool{}
	for _, f := range whole {
		if names[f.name] {
			t.Errorf("two faults are %q", f.name)
		}
		names[f.name] = true
	}
	for _, f := range append(smoke, brief...) {
		if !names[f.name] {
			t.Errorf("%q is not in the whole list", f.name)
		}
	}
	for _, length := range []time.Duration{2 * time.Minute, 10 * time.Minute, time.Hour} {
		c := schedule(length, "")
		took := time.Duration(len(c.faults)) * (c.each + overhead)
		for _, f := range c.faults {
			took += f.more
		}
		if took > length+time.Second || took < length*9/10 {
			t.Errorf("FOOTFALL_FAULTS=%v takes %v", length, took)
		}
	}
	if c := schedule(0, "Redis|disk full"); len(c.faults) < 9 {
		t.Errorf("%d faults are about Redis or a full disk", len(c.faults))
	}
}
