package sqlitearchive

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func mustInspect(t *testing.T, path string, later time.Duration) LeftLog {
	t.Helper()
	left, err := inspectLog(path, later)
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestInspectLog(t *testing.T) {
	t.Run("after a clean end there is none", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "footfall.db")
		a, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if left := mustInspect(t, path, 0); left != (LeftLog{}) {
			t.Errorf("%+v", left)
		}
	})
	t.Run("after kill -9 it belongs to the database", func(t *testing.T) {
		s := newKilledShop(t)
		if left := mustInspect(t, s.path, 0); left.Bytes == 0 || left.Foreign != "" {
			t.Errorf("%+v: the next start needs this log, nobody may be told to move it away", left)
		}
	})
	t.Run("beside a copy that was put in the database's place it is foreign", func(t *testing.T) {
		s := newKilledShop(t)
		time.Sleep(50 * time.Millisecond) // more than the clock of a file system takes for a tick
		copyTo(t, s.backup, s.backup+".2")
		if err := os.Rename(s.backup+".2", s.path); err != nil {
			t.Fatal(err)
		}
		if left := mustInspect(t, s.path, 0); left.Bytes == 0 || !strings.Contains(left.Foreign, "put in place") {
			t.Errorf("%+v: SQLite will apply the log of one database to another, and nothing says so", left)
		}
	})
	t.Run("what the database has already is not foreign", func(t *testing.T) {
		s := newKilledShop(t)
		log, err := os.ReadFile(s.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		sessionsIn(t, s.path) // moves the log into the database
		if err := os.WriteFile(s.path+"-wal", log, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
		if err := os.Chmod(s.path, 0o600); err != nil {
			t.Fatal(err)
		}
		if left := mustInspect(t, s.path, 0); left.Bytes == 0 || left.Foreign != "" {
			t.Errorf("%+v: a process that was killed after it moved the log into the database leaves this", left)
		}
	})
	t.Run("of another page size it is foreign", func(t *testing.T) {
		s := newKilledShop(t)
		other := filepath.Join(t.TempDir(), "other.db")
		db, err := sql.Open("sqlite", other)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("PRAGMA page_size = 8192; CREATE TABLE t (a)"); err != nil {
			t.Fatal(err)
		}
		db.Close()
		copyTo(t, other, s.path)
		if left := mustInspect(t, s.path, time.Hour); !strings.Contains(left.Foreign, "4096 bytes, and the database's 8192") {
			t.Errorf("%+v", left)
		}
	})
	t.Run("what is no log holds nothing", func(t *testing.T) {
		s := newKilledShop(t)
		for _, content := range []string{"", "short", strings.Repeat("no log ", 1000)} {
			if err := os.WriteFile(s.path+"-wal", []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if left := mustInspect(t, s.path, 0); left != (LeftLog{}) {
				t.Errorf("%.10q: %+v", content, left)
			}
		}
	})
}
