package blackbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRevoke_OnTheRunningShop(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b, other, second := s.browser(), s.browser(), s.browser()
	b.post(loginPath, firstCustomer).want(200)
	other.post(loginPath, firstCustomer).want(200)
	second.post(loginPath, secondCustomer).want(200)
	for _, args := range [][]string{{"revoke", "--session", b.session()}, {"revoke", "--session", b.session(), "--json"}} {
		r := s.run(args...)
		if first := len(args) == 3; first && (r.code != 0 || strings.TrimSpace(r.out) != "revoked") || !first && r.code != 1 {
			t.Errorf("%v: exit code %d, %q %q", args, r.code, r.out, r.errors)
		}
		if len(args) == 4 && !strings.Contains(r.out, `"revoked": false`) {
			t.Errorf("%v printed %q", args, r.out)
		}
		b.get(mePath).want(401)
	}
	other.get(mePath).want(200)
	var done struct{ Revoked bool }
	s.runJSON(&done, "revoke", "--customer", "cust_1")
	if !done.Revoked {
		t.Error("the customer was not revoked")
	}
	other.get(mePath).want(401)
	if got := other.asks(); got != nil {
		t.Errorf("the revoked customer's cookie is %+v", got)
	}
	second.get(mePath).want(200)
	other.post(loginPath, firstCustomer).want(200) // the password still is right
	other.get(mePath).want(200)
	anonymous := s.browser()
	anonymous.view(productsPath)
	s.runJSON(&done, "revoke", "--session", anonymous.session())
	if got := anonymous.asks(); got != nil {
		t.Errorf("the revoked anonymous session is %+v", got)
	}
	s.crash()
	b.get(mePath).want(401)
	other.get(mePath).want(200)
	s.drained()
	if row := s.row(`SELECT end_reason FROM sessions WHERE session_id = ?`, b.session()); row[0] != "revoked" {
		t.Errorf("the session ended by %s", row[0])
	}
}

func TestRevoke_WithNoShopRunning(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b, c, kept := s.browser(), s.browser(), s.browser()
	b.post(loginPath, firstCustomer).want(200)
	c.post(loginPath, secondCustomer).want(200)
	kept.view(productsPath)
	s.stop(terminate)
	var done struct{ Revoked bool }
	s.runJSON(&done, "revoke", "--session", b.session())
	s.runJSON(&done, "revoke", "--customer", "cust_2")
	if r := s.run("revoke", "--session", newUUID()); r.code != 1 {
		t.Errorf("an unknown session: exit code %d", r.code)
	}
	s.start()
	b.get(mePath).want(401)
	c.get(mePath).want(401)
	if got := kept.asks(); got == nil {
		t.Error("another session ended too")
	}
}

func TestRevoke_AfterKillWithAJournalLeft(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	release := s.lockDatabase()
	b, c, kept := s.browser(), s.browser(), s.browser()
	b.post(loginPath, firstCustomer).want(200)
	c.post(loginPath, secondCustomer).want(200)
	kept.view(productsPath)
	s.kill()
	release()
	if s.journalBytes() == 0 || s.count(`SELECT count(*) FROM sessions`) > 0 {
		t.Fatalf("the journal has %d bytes, the database %d sessions: the test does not test", s.journalBytes(), s.count(`SELECT count(*) FROM sessions`))
	}
	if r := s.run("doctor"); r.code != 0 || !strings.Contains(r.out, "bytes wait for the next start") {
		t.Errorf("doctor does not see the journal that a killed shop left: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
	var done struct{ Revoked bool }
	s.runJSON(&done, "revoke", "--session", b.session())
	s.runJSON(&done, "revoke", "--customer", "cust_2")
	if n := s.count(`SELECT count(*) FROM sessions`); n != 3 {
		t.Errorf("%d sessions after revoke carried the journal over, want 3", n)
	}
	s.start()
	b.get(mePath).want(401)
	c.get(mePath).want(401)
	if got := kept.asks(); got == nil || got.SessionID != kept.session() {
		t.Errorf("another session is %+v", got)
	}
}

// TestCommands_BesideAndWithoutAShop runs each command that looks, on the
// running shop and with none, as a table and as JSON.
func TestCommands_BesideAndWithoutAShop(t *testing.T) {
	t.Parallel()
	began := time.Now()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath + "?utm_source=news&utm_medium=email")
	b.post(loginPath, firstCustomer).want(200)
	o := b.post(ordersPath, oneMug).want(201).order()
	s.browser("User-Agent: " + googlebot).view(productsPath)
	s.browser("User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36").view(productsPath)
	s.drained()
	for _, running := range []bool{true, false} {
		if !running {
			s.stop(terminate)
		}
		var stats statsJSON
		s.runJSON(&stats, "stats")
		if stats.Sessions != 2 || stats.Visitors != 2 || stats.PageViews != 2 || stats.Orders != 1 || stats.BotViews != 1 || stats.ActiveUsers != 2 || stats.DailyVisits != 2 ||
			stats.ConvertedSessions != 1 || stats.ConversionRate != 0.5 || stats.Revenue[0] != (moneyJSON{490, "EUR"}) || stats.EventsByType["customer_login"] != 1 {
			t.Errorf("running %v: stats %+v", running, stats)
		}
		var none statsJSON
		s.runJSON(&none, "stats", "--from", "2020-01-01", "--to", "2020-01-02")
		if none.Sessions != 0 || none.Orders != 0 {
			t.Errorf("stats of a day in 2020: %+v", none)
		}
		for args, want := range map[string]int{"sessions": 2, "sessions --active": 2, "sessions --converted": 1, "sessions --limit 1": 1} {
			var sessions []sessionJSON
			s.runJSON(&sessions, strings.Fields(args)...)
			if len(sessions) != want {
				t.Errorf("running %v: %s lists %d, want %d", running, args, len(sessions), want)
			}
		}
		var detail detailJSON
		s.runJSON(&detail, "session", b.session())
		if !detail.Alive || detail.RemainingSeconds < 1799-int64(time.Since(began).Seconds()) || detail.RemainingSeconds > 1800 || text(detail.Session.OrderID) != o.ID || text(detail.Session.CustomerID) != "cust_1" || text(detail.Session.UTMSource) != "news" {
			t.Errorf("running %v: session: %+v", running, detail)
		}
		var events []struct {
			EventID, EventType string
			CreatedAt          time.Time
		}
		s.runJSON(&events, "events", b.session())
		kinds := ""
		for _, e := range events {
			kinds += e.EventType + " "
		}
		if kinds != "page_view customer_login order_completed " {
			t.Errorf("running %v: events: %s", running, kinds)
		}
		var settings []struct {
			Name, Value string
			Set         bool
		}
		s.runJSON(&settings, "config")
		if len(settings) != 41 {
			t.Errorf("config lists %d settings", len(settings))
		}
		var doctor struct {
			OK       bool
			Findings []struct{ Part, Says, Remedy string }
		}
		s.runJSON(&doctor, "doctor")
		if !doctor.OK || len(doctor.Findings) < 5 {
			t.Errorf("running %v: doctor: %+v", running, doctor)
		}
		for _, args := range [][]string{{"stats"}, {"sessions"}, {"session", b.session()}, {"events", b.session()}, {"config"}, {"doctor"}} {
			r := s.run(args...)
			if r.code != 0 || r.errors != "" || strings.TrimSpace(r.out) == "" {
				t.Errorf("running %v: %v: exit code %d, %q", running, args, r.code, r.errors)
			}
			for _, secret := range []string{cookieSecret, adminToken} {
				if strings.Contains(r.out, secret) {
					t.Errorf("%v prints a secret", args)
				}
			}
			if strings.Contains(r.out, "\x1b") {
				t.Errorf("%v paints what is no terminal", args)
			}
		}
		for args, code := range map[string]int{
			"session " + newUUID(): 1, "events " + newUUID(): 1, "session nonsense": 1, "revoke --session " + newUUID(): 1, "revoke --session nonsense": 1,
			"nonsense": 2, "session": 2, "revoke": 2, "revoke --session a --customer b": 2, "sessions --limit 0": 2, "sessions --limit x": 2,
			"stats --from yesterday": 2, "stats --nonsense": 2, "events": 2, "--help": 0, "stats --help": 0,
		} {
			r := s.run(strings.Fields(args)...)
			if r.code != code {
				t.Errorf("running %v: footfall %s: exit code %d, want %d: %s", running, args, r.code, code, r.errors)
			}
			if code > 0 && len(strings.Split(strings.TrimSpace(r.errors), "\n")) != 1 {
				t.Errorf("running %v: footfall %s does not say why in one line: %q", running, args, r.errors)
			}
		}
	}
	if r := s.run(); r.code != 0 || !strings.Contains(r.out, "Usage") {
		t.Errorf("footfall alone: exit code %d, %q", r.code, r.out)
	}
}

func TestCommands_WithoutADatabaseSaySo(t *testing.T) {
	t.Parallel()
	env := environment(filepath.Join(t.TempDir(), "nothing"))
	for args, code := range map[string]int{"stats": 2, "sessions": 2, "session x": 2, "events x": 2, "revoke --customer x": 2, "config": 0, "doctor": 1} {
		r := runWith(t, env, strings.Fields(args)...)
		if r.code != code || code == 2 && (!strings.Contains(r.errors, "DATA_DIR") || strings.Count(r.errors, "\n") != 1) {
			t.Errorf("footfall %s: exit code %d, want %d: %q", args, r.code, code, r.errors)
		}
	}
}

func TestCommands_WhileTheShopHangs(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	s.browser().view(productsPath)
	s.drained()
	if err := os.WriteFile(filepath.Join(s.dataDir, "admin.json"), []byte(`{"url":"http://127.0.0.1:1","token":"x","pid":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s.run("revoke", "--customer", "cust_1"); r.code != 2 || strings.Count(r.errors, "\n") != 1 {
		t.Errorf("revoke: exit code %d, %q", r.code, r.errors)
	}
	r := s.run("doctor", "--json")
	if r.code != 1 || !json.Valid([]byte(r.out)) {
		t.Errorf("doctor: exit code %d, %q %q", r.code, r.out, r.errors)
	}
	s.run("stats")
}

func TestDoctor_SaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser("X-Forwarded-For: 203.0.113.7")
	b.view(productsPath)
	r := s.run("doctor")
	if r.code != 1 || !strings.Contains(r.out, "TRUSTED_PROXIES") {
		t.Errorf("behind a proxy that nobody trusts: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
	s.kill()
	if err := os.WriteFile(filepath.Join(s.dataDir, "footfall.db"), []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(s.dataDir, "footfall.db-wal"))
	os.Remove(filepath.Join(s.dataDir, "footfall.db-shm"))
	r = s.run("doctor")
	if r.code != 1 || !strings.Contains(r.out, "WRONG") || !strings.Contains(r.out, "→") {
		t.Errorf("with a broken database: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
	for _, args := range []string{"stats", "sessions", "demo"} {
		if r := s.run(strings.Fields(args)...); r.code != 2 || strings.Count(r.errors, "\n") != 1 {
			t.Errorf("%s with a broken database: exit code %d, %q", args, r.code, r.errors)
		}
	}
}

func TestAdmin_NeedsItsToken(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	for _, header := range []string{"", "Authorization: Bearer ", "Authorization: Bearer x", "Authorization: Basic " + adminToken, "Authorization: Bearer " + adminToken + "x", "Authorization: " + adminToken} {
		for _, path := range []string{"stats", "status", "sessions", "sessions/" + b.session(), "sessions/" + b.session() + "/events"} {
			s.stranger(header).get("/_footfall/api/" + path).want(401).envelope()
		}
		s.stranger(header).post("/_footfall/api/revoke", `{"customerId":"cust_1"}`).want(401)
	}
	b.get(mePath).want(200)
	s.drained()
	for path, want := range map[string]int{
		"stats": 200, "status": 200, "sessions": 200, "sessions?active=true&limit=1": 200, "sessions/" + b.session(): 200, "sessions/" + b.session() + "/events": 200,
		"sessions/" + newUUID(): 404, "sessions?limit=0": 400, "sessions?limit=100000": 400, "stats?from=x": 400, "nothing": 404,
	} {
		var data any
		if code := s.admin("GET", "/_footfall/api/"+path, "", &data); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	for body, want := range map[string]int{"": 400, "{}": 400, `{"sessionId":"a","customerId":"b"}`: 400, `{"sessionId":"nothing"}`: 200} {
		var data any
		if code := s.admin("POST", "/_footfall/api/revoke", body, &data); code != want {
			t.Errorf("revoke %s: %d, want %d", body, code, want)
		}
	}
	info, err := os.Stat(filepath.Join(s.dataDir, "admin.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("admin.json: %v %v", info, err)
	}
}

// TestDrain_IntoNothing names a DATA_DIR that is not the shop's: the facts would be
// gone from the journal, and in a database that nobody reads.
func TestDrain_IntoNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	s.browser().view(productsPath)
	s.kill()
	journal := filepath.Join(s.dataDir, "journal")
	before, err := os.ReadDir(journal)
	if err != nil {
		t.Fatal(err)
	}
	runWith(t, environment(filepath.Join(t.TempDir(), "typo")), "drain", s.dataDir).complaint(t, "drain into a DATA_DIR without a database", "DATA_DIR")
	after, err := os.ReadDir(journal)
	if err != nil || len(after) != len(before) {
		t.Errorf("the journal had %d files and has %d: %v", len(before), len(after), err)
	}
	if r := s.run("drain", journal); r.code != 0 || !strings.Contains(r.out, filepath.Join(s.dataDir, "footfall.db")) {
		t.Errorf("drain into its own: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
	if r := s.run("drain", journal); r.code != 0 {
		t.Errorf("drain of a journal that is empty: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
}
