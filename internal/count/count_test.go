package count

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func TestSet_AllHasEveryCounterFromTheMomentItWasMade(t *testing.T) {
	var s Set
	if len(s.All()) != 0 {
		t.Errorf("an empty set has %v", s.All())
	}
	n, others := s.New("own", "Ours."), uint64(7)
	s.Func("others", "Theirs.", func() uint64 { return others })
	if got := s.All(); !maps.Equal(got, map[string]uint64{"own": 0, "others": 7}) {
		t.Errorf("two counters are shown as %v: each has to be there from the moment it was made", got)
	}
	n.Add(3)
	others++
	if got := s.All(); !maps.Equal(got, map[string]uint64{"own": 3, "others": 8}) {
		t.Errorf("the counters are shown as %v: every reading has to be of now", got)
	}
}

func TestSet_ANameIsUsedOnce(t *testing.T) {
	var s Set
	s.New("taken", "Once.")
	for how, again := range map[string]func(){
		"New":  func() { s.New("taken", "Twice.") },
		"Func": func() { s.Func("taken", "Twice.", func() uint64 { return 0 }) },
	} {
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, "taken") {
					t.Errorf("%s makes a second counter of one name, and says %q: one of them would be hidden; it has to panic and name the counter", how, said)
				}
			}()
			again()
		}()
	}
	s.New("after", "Later.") // a panic that somebody caught leaves no lock behind
}

func TestHistogram_EveryTimeIsInOneBucketAndTheBucketsAddUp(t *testing.T) {
	var s Set
	h := s.Histogram("took_seconds", "How long it took.", Label{"call", "read"})
	for _, took := range []time.Duration{-time.Second, 0, 5 * time.Microsecond, 6 * time.Microsecond, time.Millisecond, time.Hour} {
		h.Observe(took)
	}
	m := s.Measures()[0]
	if m.Count != 6 {
		t.Errorf("six times were measured, and the histogram says %d: one past the last bound counts too", m.Count)
	}
	want := map[float64]uint64{5e-6: 3, 1e-5: 4, 1e-3: 5, 2.5: 5}
	for i, b := range m.Buckets {
		if i > 0 && (b.Count < m.Buckets[i-1].Count || b.Seconds <= m.Buckets[i-1].Seconds) {
			t.Errorf("bucket %v has %d after %+v: each includes those before it", b.Seconds, b.Count, m.Buckets[i-1])
		}
		if n, ok := want[b.Seconds]; ok && n != b.Count {
			t.Errorf("%d times are at most %v s, want %d: a time at a bound is below it, a negative one counts as none", b.Count, b.Seconds, n)
		}
	}
	if sum := (5*time.Microsecond + 6*time.Microsecond + time.Millisecond + time.Hour).Seconds(); m.Seconds != sum {
		t.Errorf("the sum is %v, want %v", m.Seconds, sum)
	}
}

func TestHistogram_MeasuringAllocatesNothing(t *testing.T) {
	h := new(Set).Histogram("took_seconds", "How long it took.")
	if n := testing.AllocsPerRun(100, func() {
		began := Clock()
		h.Observe(Clock() - began)
	}); n != 0 {
		t.Errorf("a measurement makes %v allocations: it is on the way of every request, and may make none", n)
	}
}
