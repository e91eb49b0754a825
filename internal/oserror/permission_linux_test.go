package oserror

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

const stranger = 65534 // nobody

// asStranger runs f as a user who owns nothing. Only root can become another user: the
// thread that does ends with f.
func asStranger(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if _, _, err := syscall.RawSyscall(syscall.SYS_SETRESUID, stranger, stranger, stranger); err != 0 {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func TestDir_AnotherUsersIsNamedWithItsOwnerAndTheRemedy(t *testing.T) {
	at, err := os.MkdirTemp("/tmp", "oserror-") // that of the test is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(at) })
	theirs, open, own := filepath.Join(at, "theirs"), filepath.Join(at, "open"), filepath.Join(at, "own")
	for _, dir := range []string{theirs, open, own} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(open, "cookie-secret")
	for _, do := range []error{os.Chmod(at, 0o755), os.Chmod(open, 0o755), os.WriteFile(secret, nil, 0o600), os.Chown(own, stranger, -1), os.Chmod(own, 0o400)} {
		if do != nil {
			t.Fatal(do)
		}
	}
	asStranger(t, func() {
		me := userName(stranger)
		_, err := os.Stat(filepath.Join(theirs, "footfall.db"))
		says(t, "in a directory of root's", fs.ErrPermission, Dir(theirs, err), theirs+" belongs to root, and this process runs as "+me, "run it as root, or chown -R "+me+" "+theirs)
		_, err = os.Open(secret)
		says(t, "a file of root's in DATA_DIR", fs.ErrPermission, Dir(open, err), secret+" belongs to root", "chown -R "+me+" "+open)
		says(t, "a file of root's", fs.ErrPermission, File(secret, err), secret+" belongs to root", "chown "+me+" "+secret)
		err = os.Mkdir(filepath.Join(at, "new"), 0o700)
		says(t, "a directory of root's, in which to create one", fs.ErrPermission, Dir(filepath.Join(at, "new"), err), "may not create files in "+at+", which belongs to root", "create "+filepath.Join(at, "new")+" as root and give it to "+me)
		err = os.Mkdir(filepath.Join(theirs, "deep"), 0o700)
		says(t, "below a directory of root's", fs.ErrPermission, Dir(filepath.Join(theirs, "deep"), err), "is in "+theirs+", which belongs to root and keeps the user "+me+" out", "use another directory")
		_, err = os.Stat(filepath.Join(own, "footfall.db"))
		says(t, "one's own that nobody may enter", fs.ErrPermission, Dir(own, err), "has mode 0400, which keeps its owner "+me+" out", "chmod u+rwx "+own)
		says(t, "what was probed", fs.ErrPermission, Dir(open, Probe(secret)), secret+" belongs to root", "chown -R")
	})
}
