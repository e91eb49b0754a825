package sqlitearchive_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// TestMain also runs the process that TestArchive_KilledWhileAppending kills.
func TestMain(m *testing.M) {
	if path := os.Getenv("FOOTFALL_TEST_APPENDER"); path != "" {
		fmt.Fprintln(os.Stderr, appendUntilKilled(path, os.Getenv("FOOTFALL_TEST_FIRST")))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendUntilKilled appends batches of events. For each stored batch it prints
// the number of its last event.
func appendUntilKilled(path, from string) error {
	first, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		return err
	}
	for n := first; ; {
		var facts []store.Fact
		for s := range 7 {
			facts = append(facts, begun(s))
		}
		for range 1 + n%60 {
			n++
			facts = append(facts, view(n%7, fmt.Sprintf("e-%d", n)))
		}
		if err := a.Append(context.Background(), facts); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func TestArchive_KilledWhileAppending(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "footfall.db")
	acknowledged := 0
	for round := range 6 {
		cmd := exec.Command(exe)
		// Each round begins a little before the last acknowledged event, like a
		// replay.
		cmd.Env = append(os.Environ(), "FOOTFALL_TEST_APPENDER="+path, fmt.Sprintf("FOOTFALL_TEST_FIRST=%d", max(0, acknowledged-50)))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		batches := 1 + rand.IntN(25)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
			acknowledged = max(acknowledged, n)
			if batches--; batches == 0 { // somewhere in a later batch
				killer.Reset(time.Duration(rand.IntN(2000)) * time.Microsecond)
			}
		}
		killer.Stop()
		if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
			t.Fatalf("the process ended by itself: %v: %s", err, stderr.String())
		}

		a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
		if err != nil {
			t.Fatalf("round %d: after a kill the database does not open: %v", round, err)
		}
		db := connect(t, path)
		wantTable(t, db, "PRAGMA integrity_check", "integrity_check\nok")
		there := map[string]int{}
		views := int64(0)
		for n := range 7 {
			s, _, err := a.Session(t.Context(), sessionID(n))
			if err != nil {
				t.Fatal(err)
			}
			events, err := a.Events(t.Context(), sessionID(n), 1_000_000)
			if err != nil {
				t.Fatal(err)
			}
			if s.PageViews != int64(len(events)) {
				t.Errorf("round %d: session %d has %d page views and %d events: a batch is stored whole or not at all", round, n, s.PageViews, len(events))
			}
			views += s.PageViews
			for _, e := range events {
				there[e.EventID]++
			}
		}
		for n := 1; n <= acknowledged; n++ {
			if c := there[fmt.Sprintf("e-%d", n)]; c != 1 {
				t.Fatalf("round %d: event %d of %d acknowledged is there %d times, want once", round, n, acknowledged, c)
			}
		}
		wantTable(t, db, "SELECT count(*) AS n FROM session_events", fmt.Sprintf("n\n%d", views))
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d events acknowledged over 6 kills", acknowledged)
}
