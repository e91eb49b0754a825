package blackbox

import (
	"os"
	"strings"
	"testing"
	"time"
)

type retentionJSON struct {
	DeletesAsOf, Now time.Time
	NextRun, WithYes struct{ Sessions int }
	Moved            bool
}

// Old data that was restored does not go before somebody has said so.
func TestRetention_AnOperatorMovesTheHorizon(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	s.drained()
	var r retentionJSON
	eventually(t, "deleting by age has run", func() (bool, string) {
		s.runJSON(&r, "retention", "--dry-run", "--json")
		return !r.DeletesAsOf.IsZero(), r.Now.String()
	})
	for _, running := range []bool{true, false} {
		if !running {
			s.stop(terminate)
		}
		db := s.open("rw")
		ago := time.Now().Add(-30 * 24 * time.Hour)
		if _, err := db.Exec(`UPDATE retention SET horizon = ?`, ago.UnixMilli()); err != nil {
			t.Fatal(err)
		}
		s.runJSON(&r, "retention", "--json")
		if r.Moved || r.DeletesAsOf.Sub(ago).Abs() > time.Second || r.NextRun.Sessions != 0 {
			t.Errorf("running %v: retention says %+v", running, r)
		}
		s.runJSON(&r, "retention", "--yes", "--json")
		if !r.Moved || time.Since(r.DeletesAsOf) > time.Hour {
			t.Errorf("running %v: retention --yes says %+v: it goes on from now", running, r)
		}
		if out := s.run("retention"); out.code != 0 || !strings.Contains(out.out, "deletes as of") {
			t.Errorf("running %v: retention: exit code %d\n%s%s", running, out.code, out.out, out.errors)
		}
	}
}

// A file of the journal that was emptied while the shop was down is noticed, and the rest
// is stored.
func TestJournal_AnEmptiedFileIsNoticed(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	s.drained()
	release := s.lockDatabase()
	b.view(productsPath + "/1")
	s.kill()
	release()
	files := s.segments()
	if len(files) != 1 {
		t.Fatalf("the journal has the files %v", files)
	}
	if err := os.Truncate(files[0], 0); err != nil {
		t.Fatal(err)
	}
	s.start()
	if n := s.status().Counts["journal_gaps"]; n != 1 {
		t.Errorf("the journal's only file was emptied, and %d gaps are counted", n)
	}
	if r := s.run("doctor"); !strings.Contains(r.out, "journal_gaps") {
		t.Errorf("doctor does not name the gap\n%s", r.out)
	}
	s.kill()
	if err := os.WriteFile(files[0], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s.run("drain", s.dataDir); r.code != 0 || !strings.Contains(r.out, "records are missing") {
		t.Errorf("drain: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
}
