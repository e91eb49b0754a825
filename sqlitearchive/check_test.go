package sqlitearchive

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// writeTo runs a statement on an archive's connection for writing.
func writeTo(a *Archive, query string, args ...any) error {
	return a.opened.Load().write.use(context.Background(), func(c *conn) error { return c.exec(query, args...) })
}

func TestCheck_WritesAfterAnAppendThatFailed(t *testing.T) {
	a, err := Open(filepath.Join(t.TempDir(), "footfall.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	fact := &store.SessionBegun{}
	fact.SessionID, fact.VisitorID, fact.StartedAt, fact.LastSeenAt = "s", "v", time.Now(), time.Now()
	refuseWrites := func(on string) {
		t.Helper()
		if err := writeTo(a, "PRAGMA query_only = "+on); err != nil {
			t.Fatal(err)
		}
	}
	refuseWrites("ON")
	if err := a.Append(t.Context(), []store.Fact{fact}); err == nil {
		t.Fatal("nothing refuses writes: the test does not test")
	}
	for range 2 {
		if err := a.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "writing fails") {
			t.Errorf("Check: %v: the database can be read and not written, and nothing says so", err)
		}
	}
	refuseWrites("OFF")
	if err := a.Check(t.Context()); err != nil {
		t.Errorf("the database can be written again, and Check says %v until somebody appends", err)
	}
	if err := a.Append(t.Context(), []store.Fact{fact}); err != nil {
		t.Fatal(err)
	}
}
