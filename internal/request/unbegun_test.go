package request

import (
	"testing"

	"github.com/footfall-go/footfall/internal/count"
)

func TestUnbegunAnswers_AreBoundedAndWhatIsNotAwaitedIsCounted(t *testing.T) {
	counts := new(count.Set)
	u := newUnbegunAnswers(counts)
	for i := range maxUnbegun {
		if u.isFull() {
			t.Fatalf("answer %d is not waited for: the bound is %d", i+1, maxUnbegun)
		}
		u.add(&Request{given: new(provisional)})
	}
	if !u.isFull() || counts.All()["answers_unawaited"] != 1 {
		t.Errorf("answer %d is waited for, or not counted (%d): whoever holds answers back must not fill the memory", maxUnbegun+1, counts.All()["answers_unawaited"])
	}
}
