package sqlitearchive

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/footfall-go/footfall/internal/oserror"
)

// Damage, a newer version and a file that cannot be used each have another remedy, so
// that none may be taken for another.
func TestOpen_TellsApartWhatHasAnotherRemedy(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	newer, err := Open(path("newer.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := writeTo(newer, "PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(newer.Close(), os.WriteFile(path("text.db"), []byte(strings.Repeat("this is text. ", 100)), 0o600), os.Mkdir(path("dir.db"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		damaged, newer, explained bool
		says                      string
	}{
		"newer.db":        {newer: true, says: "its tables have version 999, and this footfall knows 5: made by a newer version of footfall: upgrade footfall"},
		"text.db":         {damaged: true, says: "the database is damaged: file is not a database"},
		"dir.db":          {explained: true, says: "is a directory, and has to be a file"},
		"text.db/data.db": {explained: true, says: "text.db is a file, and has to be a directory"},
	} {
		a, writing := Open(path(name), Options{})
		if a != nil {
			a.Close()
		}
		b, reading := OpenReadOnly(path(name), Options{})
		if b != nil {
			b.Close()
		}
		for how, err := range map[string]error{"for writing": writing, "for reading": reading} {
			if err == nil || errors.Is(err, ErrDamaged) != c.damaged || errors.Is(err, ErrNewer) != c.newer || oserror.Explained(err) != c.explained ||
				!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: %v; want one line that says %q, damaged %v, newer %v", name, how, err, c.says, c.damaged, c.newer)
			}
		}
	}
}

func TestArchive_AFullDiskIsNoDamage(t *testing.T) {
	a, err := Open(filepath.Join(t.TempDir(), "footfall.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := writeTo(a, "PRAGMA max_page_count = 1"); err != nil { // SQLite then says that the disk is full
		t.Fatal(err)
	}
	err = writeTo(a, "CREATE TABLE big AS SELECT randomblob(1000000)")
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("%v, want the error %d of SQLite", err, sqlite3.SQLITE_FULL)
	}
	if err = explain(a.path, err); !errors.Is(err, syscall.ENOSPC) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "make room there") {
		t.Errorf("%v: a full disk is no damage, and the remedy is room", err)
	}
}
