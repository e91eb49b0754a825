package count

import (
	"maps"
	"strings"
	"testing"
)

func TestSet_AllHasEveryCounterFromTheMomentItWasMade(t *testing.T) {
	var s Set
	if len(s.All()) != 0 {
		t.Errorf("an empty set has %v", s.All())
	}
	n, others := s.New("own"), uint64(7)
	s.Func("others", func() uint64 { return others })
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
	s.New("taken")
	for how, again := range map[string]func(){
		"New":  func() { s.New("taken") },
		"Func": func() { s.Func("taken", func() uint64 { return 0 }) },
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
	s.New("after") // a panic that somebody caught leaves no lock behind
}
