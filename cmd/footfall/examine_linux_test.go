package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/internal/datadir"
)

func TestDoctor_FilesOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to other users")
	}
	c := shopDir(t)
	if f, found := ownersFinding(c.dataDir); found {
		t.Errorf("all files belong to one user, and the doctor says %+v", f)
	}
	if err := os.MkdirAll(c.JournalDir, 0o700); err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join(c.JournalDir, "0000000000000001.wal")
	if err := os.WriteFile(segment, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{segment, c.database()} {
		if err := os.Lchown(file, 65534, -1); err != nil {
			t.Fatal(err)
		}
	}
	f, found := ownersFinding(c.dataDir)
	if !found || f.OK || !strings.Contains(f.Says, "footfall.db belongs to ") || !strings.Contains(f.Says, "1 more file") || !strings.Contains(f.Remedy, "chown -R ") {
		t.Errorf("%+v: two files belong to another user than DATA_DIR does", f)
	}
}

func TestRestore_ByRootGivesTheDatabaseToTheOwnerOfDataDir(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to other users")
	}
	c := shopDir(t)
	copied := filepath.Join(t.TempDir(), "copy.db")
	out, errs := &strings.Builder{}, &strings.Builder{}
	if code := run([]string{"backup", copied, "--data-dir", c.dataDir}, terminal{out, errs}); code != 0 {
		t.Fatal(code, errs)
	}
	if err := os.Lchown(c.dataDir, 65534, -1); err != nil {
		t.Fatal(err)
	}
	if code := run([]string{"restore", copied, "--data-dir", c.dataDir}, terminal{out, errs}); code != 0 {
		t.Fatal(code, errs)
	}
	for _, file := range []string{c.database(), datadir.Path(c.dataDir)} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if uid, _ := ownerOf(info); uid != 65534 {
			t.Errorf("%s belongs to user %d: the shop, which runs as the owner of DATA_DIR, cannot open it", file, uid)
		}
	}
}
