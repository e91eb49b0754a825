package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCheck_AfterAFullDiskWasFreedNobodyHasToAppend(t *testing.T) {
	disk, dir := &faultFS{}, t.TempDir()
	j := open(t, dir, Options{fs: disk})
	full := func(file, []byte) (int, error) { return 0, syscall.ENOSPC }
	disk.set(func() { disk.write = full })
	if _, err := j.Append([]byte("a")); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Append on a full disk: %v", err)
	}
	for range 2 {
		if err := j.Check(); !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Check on a full disk: %v, want one line that says so", err)
		}
	}
	disk.set(func() { disk.write = nil })
	if err := j.Check(); err != nil {
		t.Errorf("the disk has room again, and Check says %v until somebody appends: a probe stays red as long as no visitor comes", err)
	}
	if _, err := os.Stat(filepath.Join(dir, probeName)); err == nil {
		t.Error("Check leaves the file behind that it wrote")
	}
	if _, err := j.Append([]byte("b")); err != nil {
		t.Error(err)
	}
}

func TestCheck_WaitsForAFrozenDiskNoLongerThanASecond(t *testing.T) {
	disk, thaw := &faultFS{}, make(chan struct{})
	j := open(t, t.TempDir(), Options{fs: disk})
	disk.set(func() { disk.write = func(file, []byte) (int, error) { return 0, syscall.EIO } })
	if _, err := j.Append([]byte("a")); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Append: %v", err)
	}
	disk.set(func() {
		disk.write = func(f file, p []byte) (int, error) {
			<-thaw
			return f.Write(p)
		}
	})
	if err := j.Check(); !errors.Is(err, ErrStalled) {
		t.Errorf("Check on a frozen disk: %v, want ErrStalled", err)
	}
	if err := j.Check(); !errors.Is(err, syscall.EIO) {
		t.Errorf("a second Check while the first still writes: %v, want the error of the write", err)
	}
	close(thaw)
	for deadline := time.Now().Add(20 * time.Second); j.Check() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the disk answers again, and Check says %v", j.Check())
		}
	}
}

func TestCheck_SaysThatFsyncFails(t *testing.T) {
	disk := &faultFS{}
	j := open(t, t.TempDir(), Options{fs: disk})
	disk.set(func() { disk.sync = func(string) error { return syscall.EIO } })
	if _, err := j.Commit([]byte("a")); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Commit: %v", err)
	}
	if err := j.Check(); err == nil || !strings.Contains(err.Error(), "fsync") {
		t.Errorf("Check: %v: no logout can be stored while fsync fails", err)
	}
	disk.set(func() { disk.sync = nil })
	for deadline := time.Now().Add(20 * time.Second); j.Check() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the disk answers again, and Check says %v", j.Check())
		}
	}
}
