package sqlitearchive

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

func feedOf(t *testing.T, a *Archive) (customers []string, left int64) {
	t.Helper()
	page, err := a.CredentialChanges(t.Context(), 0, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range page.Changes {
		customers = append(customers, c.CustomerID)
	}
	return customers, page.Left
}

func TestCredentialChanges_BeginAtTheFirstThatALiveSessionCanNeed(t *testing.T) {
	a, err := Open(filepath.Join(t.TempDir(), "footfall.db"), Options{SessionMaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	insert := func(n int, customer string, at time.Time) {
		t.Helper()
		err := writeTo(a, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO credential_changes (customer_id, revoked_before, changed_at) SELECT ? || i, ?, ? FROM n`, n, customer, at.UnixMilli(), at.UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	insert(10_000, "old-", now.Add(-4*time.Hour))
	insert(7, "young-", now.Add(-time.Hour))
	young := fmt.Sprint([]string{"young-1", "young-2", "young-3", "young-4", "young-5"})
	if customers, left := feedOf(t, a); fmt.Sprint(customers) != young || left != 2 {
		t.Errorf("the feed begins with %v and %d more, want %s and 2 more: 10,000 changes are older than twice the age of a session, and a start need not read them", customers, left, young)
	}

	// A clock that is a year ahead, and then right again.
	insert(1, "ahead-", now.AddDate(1, 0, 0))
	if err := a.Append(t.Context(), []store.Fact{&store.CustomerRevoked{CustomerID: "next", Before: now}}); err != nil {
		t.Fatal(err)
	}
	if customers, left := feedOf(t, a); fmt.Sprint(customers) != young || left != 4 {
		t.Errorf("after a clock was a year ahead the feed begins with %v and %d more, want %s and 4 more: a wrong clock must make no revocation too old", customers, left, young)
	}
	var backwards int
	if err := a.reader().QueryRowContext(t.Context(), `SELECT count(*) FROM credential_changes a JOIN credential_changes b ON b.seq = a.seq + 1 WHERE b.changed_at < a.changed_at`).Scan(&backwards); err != nil || backwards > 0 {
		t.Errorf("%d changes are dated before the one that they follow (%v): then the first that is young enough would not be the first that is needed", backwards, err)
	}

	for _, want := range []int{500, 500} {
		if n, err := a.Purge(t.Context(), now, time.Time{}, time.Time{}, 500); err != nil || n != want {
			t.Errorf("Purge with the limit 500 deleted %d of 10,000 old changes (%v)", n, err)
		}
	}
	for n := 1; n > 0; {
		if n, err = a.Purge(t.Context(), now, time.Time{}, time.Time{}, 500); err != nil {
			t.Fatal(err)
		}
	}
	if customers, left := feedOf(t, a); fmt.Sprint(customers) != young || left != 4 {
		t.Errorf("after its purge the feed begins with %v and %d more, want %s and 4 more", customers, left, young)
	}
}
