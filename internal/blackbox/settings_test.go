package blackbox

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// complaint checks that a command ended with exit code 2 and one line that names
// the setting.
func (r result) complaint(t *testing.T, what, setting string) {
	t.Helper()
	lines := strings.Split(strings.TrimRight(r.errors, "\n"), "\n")
	if r.code != 2 || len(lines) != 1 || !strings.HasPrefix(lines[0], "footfall: ") || !strings.Contains(lines[0], setting) {
		t.Errorf("%s: exit code %d, want 2 and one line about %s:\n%s", what, r.code, setting, r.errors)
	}
	if r.out != "" {
		t.Errorf("%s: printed %q", what, r.out)
	}
}

func TestSettings_EachOneWrongIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for setting, values := range map[string][]string{
		"ADDR":                     {"nonsense", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:-1", "192.0.2.1:0", "nowhere.invalid:80"},
		"ADMIN_ADDR":               {"nonsense", "127.0.0.1:99999", "192.0.2.1:0"},
		"APP_ENV":                  {"staging"},
		"LOG_FORMAT":               {"xml"},
		"LOG_LEVEL":                {"loud", "INFO"},
		"COOKIE_SECRET_FILE":       {file}, // COOKIE_SECRET is set too
		"REDIS_URL_FILE":           {"/no/such/file", file, dir},
		"NODE_ENV":                 {"test"},
		"COOKIE_SECRET":            {"short", "your-super-secret-key-at-least-32-characters-long", strings.Repeat("a", 40), ",", cookieSecret + ",short"},
		"COOKIE_SESSION":           {"a b", "a=b", "a;b", "__Host-session"},
		"COOKIE_VISITOR":           {"a,b", "session", "__Secure-v"},
		"SESSION_TTL":              {"0", "-1", "soon", "1ms", "30 m"},
		"SESSION_MAX_AGE":          {"0", "-5h", "x"},
		"VISITOR_TTL":              {"0", "401d", "99999999999"},
		"NEW_SESSIONS_PER_MINUTE":  {"-1", "many", "1.5"},
		"REDIS_URL":                {"127.0.0.1:6379", "http://127.0.0.1", "redis://", "redis://127.0.0.1:port", "redis://127.0.0.1/zero", "redis+sentinel://127.0.0.1", "rediss://127.0.0.1?ca=/no/such/file"},
		"REDIS_PREFIX":             {"a b:", "{shop}:"},
		"UPSTASH_REDIS_REST_URL":   {"https://x.upstash.io"},
		"UPSTASH_REDIS_REST_TOKEN": {"token"},
		"MONGODB_URI":              {"127.0.0.1", "http://127.0.0.1", "mongodb://", "mongodb://127.0.0.1:port/footfall"},
		"STORE_TIMEOUT":            {"0", "-1s", "fast", "1us"},
		"DATA_DIR":                 {filepath.Join(file, "data"), file, "/proc/footfall"},
		"JOURNAL_SYNC":             {"sometimes", "0", "-1s", "1h"},
		"JOURNAL_MAX_BYTES":        {"1", "lots", "-1GiB", "1PiB"},
		"ENABLE_CRON":              {"maybe"},
		"TRUSTED_PROXIES":          {"proxy", "10.0.0.0/33", "10.0.0.0/8,x"},
		"OWN_HOSTS":                {"https://shop.example"},
		"ALLOWED_ORIGINS":          {"shop.example", "https://shop.example/path", "ftp://shop.example"},
		"CONSENT":                  {"required", "maybe"},
		"IP_MASK":                  {"sometimes"},
		"RETENTION_SESSIONS":       {"1h", "for ever"},
		"RETENTION_VISITORS":       {"0", "x"},
		"GEOIP_DB":                 {"/tmp/city.mmdb"},
		"RULES_FILE":               {filepath.Join(file, "rules"), "/no/such/file"},
		"ACCEPT_CH":                {"maybe"},
		"TIMEZONE":                 {"Mars/Olympus", "Local"},
		"LEGACY_UNTIL":             {"2030-01-01", "tomorrow"}, // without a Redis there is nobody to adopt
		"ADMIN_TOKEN":              {"short"},
	} {
		if underRace { // it takes half a second to start
			values = values[:1]
		}
		for _, value := range values {
			name := setting
			if setting == "NODE_ENV" {
				name = "APP_ENV" // its other name
			}
			r := runWith(t, environment(filepath.Join(dir, "data"), setting+"="+value), "demo")
			r.complaint(t, setting+"="+value, name)
			for _, secret := range []string{cookieSecret, adminToken, "your-super-secret"} {
				if strings.Contains(r.errors, secret) {
					t.Errorf("%s=%s: the complaint shows a secret: %s", setting, value, r.errors)
				}
			}
		}
	}
	// Combinations.
	runWith(t, environment(filepath.Join(dir, "data"), "RETENTION_SESSIONS=1d", "SESSION_MAX_AGE=48h"), "demo").complaint(t, "retention below the sessions' age", "RETENTION_SESSIONS")
	if r := runWith(t, environment(filepath.Join(dir, "data"), "SESSION_TTL=x", "TIMEZONE=x"), "demo"); r.code != 2 || strings.Count(r.errors, "\n") != 2 {
		t.Errorf("two mistakes: exit code %d, want two lines:\n%s", r.code, r.errors)
	}
	runWith(t, environment(filepath.Join(dir, "data")), "demo", "--session-ttl", "x").complaint(t, "a flag", "SESSION_TTL")
}

func TestSettings_ProductionNeedsASecret(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	for _, name := range []string{"APP_ENV", "NODE_ENV"} {
		runWith(t, environment(dir, name+"=production", "COOKIE_SECRET="), "demo").complaint(t, name+"=production", "COOKIE_SECRET")
	}
	// Commands that only look do not.
	if r := runWith(t, environment(dir, "APP_ENV=production", "COOKIE_SECRET="), "config"); r.code != 0 {
		t.Errorf("config: exit code %d: %s", r.code, r.errors)
	}
}

func TestSettings_ProductionSetsSecureCookiesAndNoAdmin(t *testing.T) {
	t.Parallel()
	s := openShop(t, "APP_ENV=production", "ADMIN_TOKEN=", "COOKIE_SESSION=__Host-session")
	a := s.stranger().view(productsPath)
	for _, line := range a.header["Set-Cookie"] {
		if !strings.Contains(line, "; Secure") {
			t.Errorf("in production a cookie is not Secure: %q", line)
		}
	}
	if !strings.HasPrefix(a.header.Get("Set-Cookie"), "__Host-session=") || strings.Contains(a.header.Get("Set-Cookie"), "Domain") {
		t.Errorf("cookies: %q", a.header["Set-Cookie"])
	}
	s.stranger("Authorization: Bearer ").get("/_footfall/api/stats").want(401)
	if r := s.run("revoke", "--customer", "cust_1"); r.code != 1 || !strings.Contains(r.errors, "no session ended") {
		t.Errorf("revoke in production: exit code %d: %s", r.code, r.errors)
	}
}

func TestSettings_DevelopmentKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	s := openShop(t, "COOKIE_SECRET=", "ADMIN_TOKEN=")
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	s.crash()
	b.get(mePath).want(200)
	for _, file := range []string{"cookie-secret", "admin-token"} {
		if info, err := os.Stat(filepath.Join(s.dataDir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info, err)
		}
	}
	if token, _ := os.ReadFile(filepath.Join(s.dataDir, "admin-token")); !strings.Contains(s.out.String(), strings.TrimSpace(string(token))) {
		t.Error("demo does not print the token that it generated")
	}
}

func TestSettings_PortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	runWith(t, environment(filepath.Join(t.TempDir(), "data"), "ADDR="+l.Addr().String()), "demo").complaint(t, "port in use", "ADDR")
}

func TestSettings_SecondProcessOnTheSameDataDir(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	runWith(t, s.env, "demo").complaint(t, "a second process", "DATA_DIR")
	b.view(productsPath)
	if s.status().JournalPending > 1000 {
		t.Error("the first one hangs")
	}
	if r := s.run("revoke", "--session", b.session()); r.code != 0 { // the door is still its own
		t.Errorf("revoke after a second process was refused: exit code %d: %s", r.code, r.errors)
	}
}

func TestSettings_NewerDatabase(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	s.stop(terminate)
	db := s.open("rw")
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for _, args := range [][]string{{"demo"}, {"stats"}, {"sessions"}, {"session", b.session()}, {"events", b.session()}, {"revoke", "--session", b.session()}} {
		r := s.run(args...)
		r.complaint(t, strings.Join(args, " ")+" on a newer database", "DATA_DIR")
		if !strings.Contains(r.errors, "newer") {
			t.Errorf("%v does not say why: %s", args, r.errors)
		}
	}
	if r := s.run("doctor"); r.code != 1 || !strings.Contains(r.out, "newer") {
		t.Errorf("doctor on a newer database: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
}
