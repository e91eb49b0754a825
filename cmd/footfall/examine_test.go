package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// shopDir is a config of a DATA_DIR whose database has pages to damage.
func shopDir(t *testing.T) *config {
	t.Helper()
	c, err := (&Settings{DataDir: filepath.Join(t.TempDir(), "data")}).compile("production")
	if err != nil {
		t.Fatal(err)
	}
	a, err := sqlitearchive.Open(c.database(), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var facts []store.Fact
	for i := range 2000 {
		begun := &store.SessionBegun{}
		begun.SessionID, begun.VisitorID = newToken(), newToken()
		begun.StartedAt, begun.LastSeenAt = time.Now().Add(-time.Hour), time.Now().Add(-time.Hour+time.Duration(i)*time.Millisecond)
		facts = append(facts, begun)
	}
	if err := a.Append(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDoctor_FindsDamagedPages(t *testing.T) {
	c := shopDir(t)
	if f := databaseFinding(c, false); !f.OK || !strings.Contains(f.Says, "all pages are in order") {
		t.Fatalf("%+v: the doctor says what it has looked at", f)
	}
	b, err := os.ReadFile(c.database())
	if err != nil {
		t.Fatal(err)
	}
	for i := len(b) / 2 &^ 4095; i < len(b)/2&^4095+4*4096; i++ {
		b[i] ^= 0x55
	}
	if err := os.WriteFile(c.database(), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := databaseFinding(c, false); f.OK || !strings.Contains(f.Says, "damaged") && !strings.Contains(f.Says, "malformed") || !strings.Contains(f.Remedy, "footfall restore") {
		t.Errorf("%+v: pages are damaged, and the doctor does not say so with a remedy", f)
	}
}

func TestDoctor_LooksForDamagedPagesForALimitedTimeAndSaysSo(t *testing.T) {
	c := shopDir(t)
	a, err := openDatabase(c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	f := finding{OK: true}
	if examinePages(c, a, &f, time.Nanosecond); !f.OK || !strings.Contains(f.Says, "not enough for all pages") {
		t.Errorf("%+v: not all pages were looked at, and nothing says so", f)
	}
}

func TestDoctor_MissesTheDatabaseOfARunningServer(t *testing.T) {
	c := shopDir(t)
	if err := os.Remove(c.database()); err != nil {
		t.Fatal(err)
	}
	if f := databaseFinding(c, true); f.OK || f.Remedy == "" {
		t.Errorf("%+v: a server runs without its database", f)
	}
	if f := databaseFinding(c, false); !f.OK {
		t.Errorf("%+v: before the first start there is no database", f)
	}
}

func TestDoctor_FreeSpace(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		free, grows int64
		ok          bool
		says        string
	}{
		{5000 * mib, 1024 * mib, true, "5000 MiB are free"},
		{1023 * mib, 0, false, "less than 1024 MiB"},
		{3000 * mib, 4000 * mib, false, "the journal may grow by 4000 MiB"},
		{0, 1024 * mib, false, "0 MiB are free"},
	} {
		f := spaceFinding(c.free, c.grows)
		if f.OK != c.ok || !strings.Contains(f.Says, c.says) || f.OK != (f.Remedy == "") {
			t.Errorf("%d bytes free, journal may grow by %d: %+v, want ok %v and %q", c.free, c.grows, f, c.ok, c.says)
		}
	}
}

func TestDoctor_Clocks(t *testing.T) {
	ours := time.Now()
	for off, ok := range map[time.Duration]bool{0: true, time.Second: true, -time.Second: true, 3 * time.Second: false, -time.Hour: false} {
		f := finding{OK: true}
		if compareClocks(&f, ours.Add(off), ours); f.OK != ok || f.OK != (f.Remedy == "") {
			t.Errorf("the archive's clock is %v ahead: %+v, want ok %v", off, f, ok)
		}
	}
}

func TestDoctor_AJournalThatCannotBeWritten(t *testing.T) {
	c := shopDir(t)
	if _, found := journalDirFinding(c.JournalDir); found {
		t.Error("there is no journal yet, which the next start creates, and the doctor complains")
	}
	if err := os.WriteFile(c.JournalDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, found := journalDirFinding(c.JournalDir); !found || f.OK || f.Remedy == "" {
		t.Errorf("%+v: nothing can be written to the journal's directory", f)
	}
}

func TestDoctor_LeavesNoLockBehindThatItsUserOwns(t *testing.T) {
	c := shopDir(t)
	if _, found, err := askStatus(c); found.Running || err != nil {
		t.Fatal(found, err)
	}
	if _, err := os.Stat(datadir.Path(c.dataDir)); err == nil {
		t.Error("the doctor created the lock file: if root runs it, the shop cannot open that file")
	}
}
