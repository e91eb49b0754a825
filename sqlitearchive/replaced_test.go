package sqlitearchive_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// used is an archive in use that holds session 1 with the event e-1.
func used(t *testing.T) (*sqlitearchive.Archive, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "footfall.db")
	a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	mustAppend(t, a, begun(1), view(1, "e-1"))
	return a, path
}

// copyOf makes a copy of a database as another program would.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	db := connect(t, path)
	if _, err := db.Exec("VACUUM INTO ?", to); err != nil {
		t.Fatal(err)
	}
	db.Close()
	return to
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// refuses expects that nothing is appended, and that Check says why.
func refuses(t *testing.T, a *sqlitearchive.Archive, why string, facts ...store.Fact) {
	t.Helper()
	if err := a.Append(t.Context(), facts); err == nil {
		t.Error("Append stored facts in a file that is gone: they leave the journal and are lost")
	} else if !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Append: %q: the error is one line and says that the file %s", err, why)
	}
	if err := a.Check(t.Context()); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("Check: %v: it says that the file %s", err, why)
	}
}

// wantEvents expects events in the file at a path, each once.
func wantEvents(t *testing.T, path string, want ...string) {
	t.Helper()
	db := connect(t, path)
	defer db.Close()
	wantTable(t, db, "SELECT event_id FROM session_events ORDER BY event_id", "event_id\n"+strings.Join(want, "\n"))
	wantTable(t, db, "PRAGMA integrity_check", "integrity_check\nok")
	wantTable(t, db, "SELECT session_id FROM sessions WHERE page_views <> (SELECT count(*) FROM session_events e WHERE e.session_id = sessions.session_id)", "session_id")
}

func TestAppend_StoresNothingInADeletedFile(t *testing.T) {
	a, path := used(t)
	copied := copyOf(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refuses(t, a, "was deleted or moved away", view(1, "e-2"))
	if _, err := os.Stat(path); err == nil {
		t.Fatal("an empty database was created in the place of the deleted one: facts would leave the journal for it")
	}
	if _, ok, err := a.Session(t.Context(), sessionID(1)); err != nil || !ok {
		t.Errorf("Session: %v, %v: what was read before can still be read", ok, err)
	}
	if ok, err := a.ClaimSlot(t.Context(), "job", time.Now()); ok || err == nil {
		t.Error("a job's slot was claimed in a deleted file")
	}
	move(t, copied, path)
	mustAppend(t, a, view(1, "e-2"))
	if err := a.Check(t.Context()); err != nil {
		t.Errorf("a database is back, and Check says %v", err)
	}
	wantEvents(t, path, "e-1", "e-2")
}

func TestAppend_GoesOnWithAFileThatWasMovedAwayAndBack(t *testing.T) {
	a, path := used(t)
	move(t, path, path+".away")
	refuses(t, a, "was deleted or moved away", view(1, "e-2"))
	move(t, path+".away", path)
	mustAppend(t, a, view(1, "e-2"))
	if err := a.Check(t.Context()); err != nil {
		t.Errorf("the database is back, and Check says %v", err)
	}
	wantEvents(t, path, "e-1", "e-2")
}

func TestAppend_GoesOnWithACopyInTheFilesPlace(t *testing.T) {
	a, path := used(t)
	copied := copyOf(t, path)
	mustAppend(t, a, begun(2), view(1, "after-the-copy"), view(2, "e-2"))
	move(t, path, path+".old")
	move(t, copied, path)
	mustAppend(t, a, view(1, "e-3"))
	if err := a.Check(t.Context()); err != nil {
		t.Errorf("a database is in place, and Check says %v", err)
	}
	wantEvents(t, path, "e-1", "e-3") // nothing of the old database's write-ahead log
	if _, ok, err := a.Session(t.Context(), sessionID(2)); ok || err != nil {
		t.Errorf("Session: %v, %v: it is read from the old database, which is not in place any more", ok, err)
	}
	wantEvents(t, path+".old", "after-the-copy", "e-1", "e-2") // it is whole by itself
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	wantEvents(t, path, "e-1", "e-3")
}

func TestClose_LeavesNoLogBesideAFileThatItDoesNotBelongTo(t *testing.T) {
	a, path := used(t)
	copied := copyOf(t, path)
	mustAppend(t, a, view(1, "after-the-copy"))
	move(t, path, path+".old")
	move(t, copied, path)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	wantEvents(t, path, "e-1")
	wantEvents(t, path+".old", "after-the-copy", "e-1")
}

func TestAppend_WantsADatabaseInTheFilesPlace(t *testing.T) {
	for name, content := range map[string]string{"an empty file": "", "a text": strings.Repeat("no database\n", 100)} {
		t.Run(name, func(t *testing.T) {
			a, path := used(t)
			copied := copyOf(t, path)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			refuses(t, a, "was replaced", view(1, "e-2"))
			if b, err := os.ReadFile(path); err != nil || string(b) != content {
				t.Errorf("%s in the database's place was changed: %v", name, err)
			}
			move(t, copied, path)
			mustAppend(t, a, view(1, "e-2"))
			wantEvents(t, path, "e-1", "e-2")
		})
	}
}

func TestAppend_WaitsUntilTheFileInThePlaceIsWhole(t *testing.T) {
	a, path := used(t)
	copied := copyOf(t, path)
	b, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for _, part := range []int{len(b) / 2, len(b) - 1} {
		if err := os.WriteFile(path, b[:part], 0o600); err != nil {
			t.Fatal(err)
		}
		refuses(t, a, "is not whole", view(1, "e-2"))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, a, view(1, "e-2"))
	wantEvents(t, path, "e-1", "e-2")
}

func TestAppend_KeepsWhatADeletedWriteAheadLogHeld(t *testing.T) {
	a, path := used(t)
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	_ = a.Append(t.Context(), []store.Fact{view(1, "e-2")})
	mustAppend(t, a, view(1, "e-2")) // as the journal does after an error
	// What a process that is killed now leaves behind.
	left := filepath.Join(t.TempDir(), "footfall.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(left+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantEvents(t, left, "e-1", "e-2")
}

func TestCheck_MendsADeletedWriteAheadLogByItself(t *testing.T) {
	a, path := used(t)
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	if err := a.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "footfall.db")
	if err := os.WriteFile(left, b, 0o600); err != nil {
		t.Fatal(err)
	}
	wantEvents(t, left, "e-1")
}

func TestCredentialChanges_OfADatabaseInAnothersPlaceAreReadFromTheBeginning(t *testing.T) {
	a, path := used(t)
	revoke := func(n int) {
		t.Helper()
		mustAppend(t, a, &store.CustomerRevoked{CustomerID: fmt.Sprint("c-", n), Before: time.Now()})
	}
	revoke(1)
	copied := copyOf(t, path)
	revoke(2)
	revoke(3)
	first, err := a.CredentialChanges(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	move(t, copied, path)
	revoke(4)
	page, err := a.CredentialChanges(t.Context(), first.Next, 100)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, c := range page.Changes {
		found = append(found, c.CustomerID)
	}
	if strings.Join(found, " ") != "c-1 c-4" {
		t.Errorf("after another database took the place, the feed has %v, want c-1 c-4: a cursor of the old one skips revocations", found)
	}
	if page, err = a.CredentialChanges(t.Context(), page.Next, 100); err != nil || len(page.Changes) > 0 {
		t.Errorf("behind the cursor the feed has %v, %v", page.Changes, err)
	}
}

func TestReadOnly_ReadsOneDatabase(t *testing.T) {
	a, path := used(t)
	copied := copyOf(t, path)
	r, err := sqlitearchive.OpenReadOnly(path, sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	mustAppend(t, a, begun(2))
	move(t, copied, path)
	if err := r.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "was replaced") {
		t.Errorf("Check: %v: it says that the file was replaced", err)
	}
	if err := r.Append(t.Context(), nil); err == nil {
		t.Error("an archive for reading took facts")
	}
}

func TestAppend_EverythingAcknowledgedIsThereWhateverMovesTheFile(t *testing.T) {
	a, path := used(t)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { // somebody moves the file away and back
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond):
				if os.Rename(path, path+".away") == nil {
					time.Sleep(time.Millisecond)
					if err := os.Rename(path+".away", path); err != nil {
						t.Error(err)
						return
					}
				}
			}
		}
	}()
	reading := make(chan struct{})
	go func() { // requests go on
		defer close(reading)
		for {
			select {
			case <-stop:
				return
			default:
				_, _, _ = a.Session(t.Context(), sessionID(1))
				_ = a.Check(t.Context())
			}
		}
	}()
	want := []string{"e-1"}
	refused, last := 0, error(nil)
	deadline := time.Now().Add(time.Minute)
	for n := 2; n < 100; n++ {
		id := fmt.Sprintf("e-%d", n)
		for { // as the journal does
			if last = a.Append(t.Context(), []store.Fact{view(1, id)}); last == nil {
				break
			}
			if refused++; time.Now().After(deadline) {
				t.Errorf("after a minute %d of 98 facts are stored, and Append was refused %d times, the last time with: %v", n-2, refused, last)
				break
			}
		}
		if last != nil {
			break
		}
		want = append(want, id)
	}
	close(stop)
	<-ended
	<-reading
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	wantEvents(t, path, want...)
	t.Logf("%d times Append was refused", refused)
}

func TestClose_IsTheEnd(t *testing.T) {
	a, _ := used(t)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Append(t.Context(), []store.Fact{view(1, "e-2")}); err == nil {
		t.Error("an archive that was closed took a fact: it opened its file again")
	}
	if err := a.Check(t.Context()); err == nil {
		t.Error("an archive that was closed is in order")
	}
}
