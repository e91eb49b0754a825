package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/footfall-go/footfall/sqlitearchive"
)

// Whoever runs a command as another user than the shop's has to change the user, not to
// restore a database.
func TestCommands_SayWhoseDataDirItIs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	at, err := os.MkdirTemp("/tmp", "footfall-test-") // that of the test is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(at) })
	dir, file := filepath.Join(at, "data"), filepath.Join(at, "copy.db")
	for _, path := range []string{filepath.Join(dir, "footfall.db"), file} {
		a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, do := range []error{os.Mkdir(filepath.Join(dir, "journal"), 0o700), os.Chmod(at, 0o755), os.Chmod(file, 0o644)} {
		if do != nil {
			t.Fatal(do)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and the thread ends with this function
		const nobody = 65534
		if _, _, err := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); err != 0 {
			t.Error(err)
			return
		}
		for _, args := range [][]string{
			{"demo"}, {"serve", "--mongodb-uri=", "--app-env=development"}, {"stats"}, {"stats", "--json"}, {"sessions"}, {"session", "x"}, {"events", "x"},
			{"revoke", "--customer=x"}, {"drain", dir}, {"backup", filepath.Join(at, "new.db")}, {"restore", file}, {"doctor"},
		} {
			var out, errs bytes.Buffer
			code := run(append(args, "--data-dir="+dir, "--addr=127.0.0.1:0", "--log-level=error"), terminal{&out, &errs})
			want, says := exitWrong, errs.String()
			if args[0] == "doctor" {
				want, says = exitNo, out.String()
			} else if out.Len() > 0 || strings.Count(says, "\n") != 1 {
				t.Errorf("%v prints %q, and %d lines of errors: want one", args, &out, strings.Count(says, "\n"))
			}
			if code != want || !strings.Contains(says, dir+" belongs to root") || !strings.Contains(says, "run it as root") || !strings.Contains(says, "chown") {
				t.Errorf("%v ends with %d, want %d and whose DATA_DIR it is, with what to do:\n%s", args, code, want, says)
			}
			for _, other := range []string{"restore it", "restore a backup", "writable", "there is no", "damaged"} {
				if strings.Contains(says, other) {
					t.Errorf("%v says %q about a directory of another user:\n%s", args, other, says)
				}
			}
		}
	}()
	<-done
}
