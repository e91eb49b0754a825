package blackbox

import (
	"path/filepath"
	"testing"

	"github.com/footfall-go/footfall/internal/testserver"
)

// TestRestore_LogsEverybodyOut: what happened after the backup is not known to it,
// logouts and revocations included. Nobody may be logged in again by going back.
func TestRestore_LogsEverybodyOut(t *testing.T) {
	t.Parallel()
	for _, hot := range []string{"memory", "redis"} {
		for _, end := range []string{"stopped", "killed"} {
			t.Run(hot+", "+end, func(t *testing.T) {
				t.Parallel()
				var settings []string
				if hot == "redis" {
					settings = append(settings, "REDIS_URL="+testserver.Redis(t).URL())
				}
				s := openShop(t, settings...)
				left, stayed, revoked, later, nobody := s.browser(), s.browser(), s.browser(), s.browser(), s.browser()
				left.post(loginPath, firstCustomer).want(200)
				kept := "Cookie: session=" + left.cookie("session") // as somebody has it who took it before the logout
				stayed.post(loginPath, firstCustomer).want(200)
				nobody.view(productsPath)
				s.drained()
				file := filepath.Join(t.TempDir(), "copy.db")
				if r := s.run("backup", file); r.code != 0 {
					t.Fatal(r.errors)
				}
				later.post(loginPath, secondCustomer).want(200)
				left.post(logoutPath, "").want(200)
				revoked.post(loginPath, secondCustomer).want(200)
				if r := s.run("revoke", "--session", revoked.session()); r.code != 0 {
					t.Fatal(r.errors)
				}
				later.post(ordersPath, oneMug, key("after the backup")).want(201)
				s.drained()
				if end == "killed" {
					s.kill()
				} else {
					s.stop(terminate)
				}
				var done struct {
					Before             string
					CustomersLoggedOut int
				}
				s.runJSON(&done, "restore", file)
				if done.CustomersLoggedOut != 2 || done.Before == "" {
					t.Errorf("restore says %+v, want 2 customers logged out, and where the database before is", done)
				}
				s.start()
				for name, b := range map[string]*browser{
					"who stayed logged in":           stayed,
					"who logged in after the backup": later, "whose session was revoked after the backup": revoked,
				} {
					if a := b.get(mePath); a.status != 401 {
						t.Errorf("%s is a customer after the restore: %v", name, a)
					}
				}
				if got := nobody.asks(); hot == "redis" && got == nil {
					t.Error("an anonymous session ended: it has nothing to be logged out of")
				}
				if a := s.browser().get(mePath, kept); a.status != 401 {
					t.Errorf("the cookie of somebody who logged out after the backup is a customer's after the restore: %v", a)
				}
				stayed.post(loginPath, firstCustomer).want(200)
				stayed.get(mePath).want(200)
				s.drained()
				orders := s.count(`SELECT count(*) FROM orders`)
				if want := map[string]int{"stopped": 0, "killed": 1}[end]; orders != want {
					t.Errorf("%s: %d orders are stored, want %d: what the journal still holds is stored, and what is only in the database before is kept there", end, orders, want)
				}
			})
		}
	}
}
