package hot

import (
	"testing"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/store"
)

func TestRecounts_AreBoundedAndWhatIsSkippedIsCounted(t *testing.T) {
	counts := new(count.Set)
	h := New(guard.NewHot(memstore.New(0), counts), guard.NewArchive(nil, counts), nil, store.Lifetimes{}, 10, 1<<20, counts)
	for range maxRecounts + 3 {
		h.recounts.push(recount{id: "s"})
	}
	if n := len(h.recounts.all); n != maxRecounts || counts.All()["recounts_skipped"] != 3 {
		t.Errorf("%d sessions wait for a recount and %d were skipped; want at most %d, and the other 3 counted", n, counts.All()["recounts_skipped"], maxRecounts)
	}
}
