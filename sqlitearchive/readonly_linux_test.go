package sqlitearchive_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/footfall-go/footfall/sqlitearchive"
)

// TestOpen_ReadOnlyDirectory opens a database in a directory where nothing may be
// written. Since root may write everywhere, the thread takes another user's file
// access and is never reused.
func TestOpen_ReadOnlyDirectory(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "data")
	path := filepath.Join(dir, "footfall.db")
	a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, a, begun(1))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{path: 0o444, dir: 0o555, base: 0o755, filepath.Dir(base): 0o755} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Error(err)
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Getuid() == 0 {
			runtime.LockOSThread() // and never unlocked: it ends with this goroutine
			if err := syscall.Setfsuid(65534); err != nil {
				t.Error(err)
				return
			}
		}
		for _, p := range []string{path, filepath.Join(dir, "new.db"), filepath.Join(dir, "sub", "new.db")} {
			a, err := sqlitearchive.Open(p, sqlitearchive.Options{})
			if err == nil {
				a.Close()
				t.Errorf("Open(%s) succeeded where nothing may be written", p)
				continue
			}
			if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, dir) {
				t.Errorf("Open(%s): %q: the error is one line and says where", p, text)
			}
			t.Log(err)
		}
		r, err := sqlitearchive.OpenReadOnly(path, sqlitearchive.Options{})
		if err != nil {
			t.Logf("OpenReadOnly: %v", err) // SQLite's WAL needs a -shm file beside the database
			if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, dir) {
				t.Errorf("OpenReadOnly: %q: the error is one line and says where", text)
			}
			return
		}
		defer r.Close()
		if _, ok, err := r.Session(t.Context(), sessionID(1)); err == nil && !ok {
			t.Errorf("Session of a database in a read-only directory = %v, %v: an error is not an absence", ok, err)
		}
	}()
	<-done
}
