package sqlitearchive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// A killedShop is a DATA_DIR as kill -9 leaves it: 8 sessions, of which the
// write-ahead log holds some. backup was made when there were 3.
type killedShop struct{ dir, path, backup string }

// Customer c-1 logged in before the backup. Then c-1 logged out and c-2 logged in.
func newKilledShop(t *testing.T) killedShop {
	t.Helper()
	live := filepath.Join(t.TempDir(), "footfall.db")
	s := killedShop{dir: t.TempDir(), backup: filepath.Join(t.TempDir(), "backup.db")}
	s.path = filepath.Join(s.dir, "footfall.db")
	a, err := Open(live, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	began := time.Now().Add(-time.Minute)
	session := func(n int) *store.SessionBegun {
		f := &store.SessionBegun{}
		f.SessionID, f.VisitorID, f.StartedAt, f.LastSeenAt, f.Version = fmt.Sprintf("s-%d", n), fmt.Sprintf("v-%d", n), began, began, began.UnixMilli()
		return f
	}
	login := func(n int, customer string, version time.Time) *store.CredentialsChanged {
		return &store.CredentialsChanged{SessionID: fmt.Sprintf("s-%d", n), Cred: store.Credentials{Version: version.UnixMilli(), CustomerID: customer, AuthenticatedAt: version}}
	}
	appendTo := func(facts ...store.Fact) {
		t.Helper()
		if err := a.Append(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(session(1), session(2), session(3), login(1, "c-1", began.Add(time.Second)))
	if err := a.Backup(t.Context(), s.backup, BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := writeTo(a, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	out := login(1, "c-1", began.Add(2*time.Second))
	out.Cred.EndedAt, out.Cred.EndReason = began.Add(2*time.Second), store.EndLogout
	appendTo(session(4), session(5), session(6), session(7), session(8), out, login(5, "c-2", began.Add(3*time.Second)))
	for _, suffix := range []string{"", "-wal"} {
		copyTo(t, live+suffix, s.path+suffix)
	}
	return s
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// files returns the names and contents of a directory's files.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = string(b)
	}
	return found
}

// sessionsIn opens a database as a start does and returns how many sessions it has.
func sessionsIn(t *testing.T, path string) int {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("there is no database: a start would create an empty one: %v", err)
	}
	a, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var n int
	if err := errors.Join(a.QuickCheck(t.Context()), a.reader().QueryRow("SELECT count(*) FROM sessions").Scan(&n)); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRestore_AtEachStepADeathLeavesTheOldOrTheNewDatabase(t *testing.T) {
	s := newKilledShop(t)
	type moment struct{ before, dir string }
	var moments []moment
	shoot := func(before string) {
		dir := t.TempDir()
		for name := range files(t, s.dir) {
			copyTo(t, filepath.Join(s.dir, name), filepath.Join(dir, name))
		}
		moments = append(moments, moment{before, dir})
	}
	done, err := (&restoration{from: s.backup, path: s.path, step: shoot}).run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shoot("the next start")
	if len(moments) < 7 {
		t.Fatalf("%d moments: the test does not test", len(moments))
	}
	want := 8
	for _, m := range moments {
		if m.before == "flush the directory" {
			want = 3
		}
		path := filepath.Join(m.dir, "footfall.db")
		if n := sessionsIn(t, path); n != want {
			t.Errorf("killed before the step %q, the database has %d sessions, want the %d of the old one or of the backup, and no mixture", m.before, n, want)
		}
		again, err := Restore(t.Context(), s.backup, path, RestoreOptions{})
		if err != nil {
			t.Errorf("killed before the step %q, another restore fails: %v", m.before, err)
			continue
		}
		if n := sessionsIn(t, path); n != 3 {
			t.Errorf("killed before the step %q, after another restore there are %d sessions, want 3", m.before, n)
		}
		if left, _ := filepath.Glob(path + ".restoring-*"); len(left) > 0 {
			t.Errorf("killed before the step %q, another restore leaves %v behind", m.before, left)
		}
		if n := sessionsIn(t, again.Before); n != want {
			t.Errorf("killed before the step %q, another restore keeps a database with %d sessions, want %d", m.before, n, want)
		}
	}
	if n := sessionsIn(t, done.Before); n != 8 {
		t.Errorf("the old database is kept with %d sessions, want 8: what its write-ahead log held belongs to it", n)
	}
}

func TestRestore_KeepsADamagedDatabaseWithItsLog(t *testing.T) {
	s := newKilledShop(t)
	for _, file := range []string{s.path, s.path + "-wal"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		copy(b[:4096], strings.Repeat("damaged ", 512))
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := files(t, s.dir)
	done, err := Restore(t.Context(), s.backup, s.path, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if done.Unreadable == nil {
		t.Error("nothing says that the old database could not be read")
	}
	if n := sessionsIn(t, s.path); n != 3 {
		t.Errorf("%d sessions, want the 3 of the backup", n)
	}
	after := files(t, s.dir)
	for _, suffix := range []string{"", "-wal"} {
		if name := filepath.Base(done.Before) + suffix; after[name] != before["footfall.db"+suffix] {
			t.Errorf("%s is not what footfall.db%s was: a restore destroys nothing", name, suffix)
		}
	}
}

func TestRestore_ALogWithoutADatabaseIsNotApplied(t *testing.T) {
	s := newKilledShop(t)
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), s.backup, s.path, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := sessionsIn(t, s.path); n != 3 {
		t.Errorf("%d sessions, want the 3 of the backup: the log of a deleted database was applied to it", n)
	}
}

func TestRestore_TakesTheLogOfACopyThatHasOne(t *testing.T) {
	s, to := newKilledShop(t), filepath.Join(t.TempDir(), "footfall.db")
	before := files(t, s.dir)
	if _, err := Restore(t.Context(), s.path, to, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := sessionsIn(t, to); n != 8 {
		t.Errorf("%d sessions, want 8: a copy is its file and the log that was copied with it", n)
	}
	if after := files(t, s.dir); !mapsEqual(before, after) {
		t.Error("restoring changed the copy that it reads")
	}
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

func TestRestore_RefusesWhatIsNoBackup(t *testing.T) {
	s := newKilledShop(t)
	write := func(content []byte) string {
		file := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	whole, err := os.ReadFile(s.backup)
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	db, err := sql.Open("sqlite", foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE recipes (name TEXT); PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	newer := slices.Clone(whole)
	newer[62], newer[63] = 3, 231 // user_version 999
	damaged := slices.Clone(whole)
	for i := 2 * 4096; i < len(damaged); i++ {
		damaged[i] ^= 0x5a
	}
	before := files(t, s.dir)
	for name, c := range map[string]struct{ file, says string }{
		"no file":               {filepath.Join(t.TempDir(), "missing.db"), "no such file"},
		"an empty file":         {write(nil), "is not an SQLite database"},
		"a text":                {write([]byte(strings.Repeat("text", 1000))), "is not an SQLite database"},
		"another's database":    {foreign, "not a database of footfall"},
		"a newer database":      {write(newer), "newer version of footfall"},
		"a damaged copy":        {write(damaged), ""},
		"a part of a copy":      {write(whole[:len(whole)/2]), ""},
		"the database itself":   {s.path, "is the database itself"},
		"a directory":           {t.TempDir(), ""},
		"a header without more": {write(whole[:100]), ""},
	} {
		_, err := Restore(t.Context(), c.file, s.path, RestoreOptions{})
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("restoring %s: %v; want one line with %q", name, err, c.says)
		}
		if after := files(t, s.dir); !mapsEqual(before, after) {
			t.Fatalf("restoring %s failed and changed the directory", name)
		}
	}
	if n := sessionsIn(t, s.path); n != 8 {
		t.Errorf("%d sessions, want the 8 of the old database", n)
	}
}

func TestRestore_RefusesWhileAnotherProgramHasTheDatabaseOpen(t *testing.T) {
	s := newKilledShop(t)
	db, err := sql.Open("sqlite", s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var n int
	if err := db.QueryRow("SELECT count(*) FROM sessions").Scan(&n); err != nil || n != 8 {
		t.Fatal(n, err)
	}
	if _, err := Restore(t.Context(), s.backup, s.path, RestoreOptions{}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("%v: a program that has the old database open would write its log beside the restored one", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if strays, _ := filepath.Glob(s.path + ".*"); len(strays) > 0 {
		t.Errorf("a restore that was refused leaves %v behind", strays)
	}
	if n := sessionsIn(t, s.path); n != 8 {
		t.Errorf("%d sessions, want the 8 of the old database", n)
	}
}

func TestRestore_LogsEverybodyOut(t *testing.T) {
	s := newKilledShop(t)
	done, err := Restore(t.Context(), s.backup, s.path, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if done.LoggedOut != 2 {
		t.Errorf("%d customers were logged out, want 2: c-1 of the backup, and c-2 who logged in after it and may be in the hot store", done.LoggedOut)
	}
	a, err := Open(s.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	rec, ok, err := a.Session(t.Context(), "s-1")
	if err != nil || !ok || rec.EndedAt.IsZero() || rec.EndReason != store.EndRevoked {
		t.Errorf("the session of c-1 is %v, %v, ended %v: its logout after the backup was undone", ok, err, rec.EndedAt)
	}
	if rec, _, err := a.Session(t.Context(), "s-2"); err != nil || !rec.EndedAt.IsZero() {
		t.Errorf("the session of nobody ended %v, %v: it has nothing to be logged out of", rec.EndedAt, err)
	}
	page, err := a.CredentialChanges(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	revoked := map[string]bool{}
	for _, c := range page.Changes {
		revoked[c.CustomerID] = c.RevokedBefore.After(time.Now().Add(-time.Minute))
	}
	if !revoked["c-1"] || !revoked["c-2"] {
		t.Errorf("the feed revokes %v, want c-1 and c-2: what the hot store holds of them has to lose its value", revoked)
	}
	// What the journal still holds of c-2 is stored at the next start.
	login := &store.CredentialsChanged{SessionID: "s-3", Cred: store.Credentials{Version: time.Now().Add(-30 * time.Second).UnixMilli(), CustomerID: "c-2", AuthenticatedAt: time.Now().Add(-30 * time.Second)}}
	if err := a.Append(t.Context(), []store.Fact{login}); err != nil {
		t.Fatal(err)
	}
	if rec, _, err := a.Session(t.Context(), "s-3"); err != nil || rec.EndedAt.IsZero() {
		t.Errorf("a login from before the restore came from the journal and is alive: %v", err)
	}
}

func TestRestore_KeepsLoginsIfToldTo(t *testing.T) {
	s := newKilledShop(t)
	done, err := Restore(t.Context(), s.backup, s.path, RestoreOptions{KeepLogins: true})
	if err != nil || done.LoggedOut != 0 {
		t.Fatal(done, err)
	}
	a, err := Open(s.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if rec, _, err := a.Session(t.Context(), "s-1"); err != nil || rec.CustomerID != "c-1" || !rec.EndedAt.IsZero() {
		t.Errorf("the session of c-1 has the customer %q and ended %v, %v: it was to stay as in the backup", rec.CustomerID, rec.EndedAt, err)
	}
}

func TestBackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "footfall.db")
	a, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "a copy.db")
	if err := a.Backup(t.Context(), file, BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: a backup is its owner's alone", info.Mode(), err)
	}
	first := files(t, dir)
	if err := a.Backup(t.Context(), file, BackupOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v: an existing file is not replaced", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Backup(cancelled, file, BackupOptions{Replace: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup that was stopped returns %v", err)
	}
	if now := files(t, dir); !mapsEqual(first, now) {
		t.Error("a backup that failed left something behind, or changed the file that was there")
	}
	begun := &store.SessionBegun{}
	begun.SessionID, begun.VisitorID, begun.StartedAt, begun.LastSeenAt = "s", "v", time.Now(), time.Now()
	if err := a.Append(t.Context(), []store.Fact{begun}); err != nil {
		t.Fatal(err)
	}
	if err := a.Backup(t.Context(), file, BackupOptions{Replace: true}); err != nil {
		t.Fatal(err)
	}
	if now := files(t, dir); len(now) != 1 {
		t.Errorf("beside the backup there are %d files: a backup is one file", len(now)-1)
	}
	if n := sessionsIn(t, file); n != 1 {
		t.Errorf("the backup has %d sessions, want 1: what the write-ahead log holds belongs to it", n)
	}
	if err := a.Backup(t.Context(), path, BackupOptions{Replace: true}); err == nil {
		t.Error("the database was replaced by its own backup")
	}
}

func TestBackup_RefusesADamagedDatabase(t *testing.T) {
	s := newKilledShop(t)
	b, err := os.ReadFile(s.backup)
	if err != nil {
		t.Fatal(err)
	}
	for i := 3 * 4096; i < 5*4096; i++ {
		b[i] = 0xff
	}
	path := filepath.Join(t.TempDir(), "footfall.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := OpenReadOnly(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.QuickCheck(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("QuickCheck of a damaged database: %v", err)
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	if err := a.Backup(t.Context(), file, BackupOptions{}); err == nil {
		t.Error("a damaged database was backed up without a word")
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a damaged backup has its name")
	}
}
