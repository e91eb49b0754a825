package sqlitearchive_test

import (
	"path/filepath"
	"testing"

	"github.com/footfall-go/footfall/archivetest"
	"github.com/footfall-go/footfall/sqlitearchive"
)

func TestArchive(t *testing.T) {
	archivetest.Run(t, archivetest.Harness{
		Open: func(t *testing.T) archivetest.Archive {
			return open(t, filepath.Join(t.TempDir(), "footfall.db"))
		},
		OpenTwo: func(t *testing.T) (archivetest.Archive, archivetest.Archive) {
			path := filepath.Join(t.TempDir(), "footfall.db")
			return open(t, path), open(t, path)
		},
	})
}

// open opens an archive and closes it when the test ends.
func open(t testing.TB, path string) *sqlitearchive.Archive {
	t.Helper()
	a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}
