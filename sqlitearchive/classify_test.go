package sqlitearchive

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/footfall-go/footfall/store"
)

func TestClassify_AnOverflowIsTheFactsFault(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var sum int64
	err = db.QueryRow(`SELECT sum(n) FROM (SELECT 9223372036854775807 AS n UNION ALL SELECT 1)`).Scan(&sum)
	if err == nil || !errors.Is(classify(err), store.ErrRejected) {
		t.Errorf("a sum that is no int64: %v is classified as %v: it fails each time, so the fact is rejected for good", err, classify(err))
	}
	if err = db.QueryRow(`SELECT n FROM nowhere`).Scan(&sum); err == nil || errors.Is(classify(err), store.ErrRejected) {
		t.Errorf("a table that is missing: %v: the database is at fault, not the fact", err)
	}
}
