package engine_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/ledger"
	"github.com/footfall-go/footfall/report/engine"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// Every figure equals the ledger, in three time zones and under filters.
func TestLedger_EveryFigure(t *testing.T) {
	l := ledger.Generate(1, 1500, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 60)
	ledger.Check(t, l, engine.New(openSQLite(t, l), engine.Options{}), 100, "UTC", "Europe/Berlin", "America/Santiago")
}

func openSQLite(t *testing.T, l *ledger.Ledger) *sqlitearchive.Archive {
	t.Helper()
	a, err := sqlitearchive.Open(filepath.Join(t.TempDir(), "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	for chunk := range slices.Chunk(l.Facts, 1000) {
		if err := a.Append(t.Context(), chunk); err != nil {
			t.Fatal(err)
		}
	}
	return a
}
