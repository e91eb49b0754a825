package mongoarchive_test

import (
	"slices"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/ledger"
	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/report/engine"
)

// Reports of this archive equal the ledger, as those of any other.
func TestLedger_EveryFigure(t *testing.T) {
	a := open(t, database(t, testserver.MongoDB(t)))
	l := ledger.Generate(5, 300, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 60)
	for chunk := range slices.Chunk(l.Facts, 500) {
		mustAppend(t, a, chunk...)
	}
	ledger.Check(t, l, engine.New(a, engine.Options{}), 8, "America/Santiago")
}
