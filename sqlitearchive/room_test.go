package sqlitearchive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// On a full disk a closed database can be opened in the room that its own files had.
func TestRoom_IsKeptWhileTheDatabaseIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for range 2 {
		a, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(roomOf(path)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("while the database is open, the room for its files is still taken: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(roomOf(path)); err != nil || info.Size() != roomBytes {
			t.Errorf("when the database is closed, room for the next start is kept: %v, %v", info, err)
		}
	}
	reader, err := OpenReadOnly(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(roomOf(path)); err != nil {
		t.Errorf("a reader took the room of the next start: %v", err)
	}
}
