package blackbox

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecrets_AreNowhereButInCookies(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	needles := map[string][]byte{"COOKIE_SECRET": []byte(cookieSecret), "ADMIN_TOKEN": []byte(adminToken), "a wrong password": []byte("hunter2hunter2")}
	note := func(b *browser, what string) {
		value, signature := signed(b.cookie("session"))
		_, secret, _ := strings.Cut(value, ".")
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		if err != nil || len(raw) != 32 {
			t.Fatalf("the cookie's secret is %q: %v", secret, err)
		}
		needles[what] = []byte(secret)
		needles[what+", its bytes"] = raw
		needles[what+", hex"] = []byte(hex.EncodeToString(raw))
		needles[what+", standard base64"] = []byte(base64.StdEncoding.EncodeToString(raw))[:43]
		needles[what+", its signature"] = []byte(signature)
	}
	search := func(when string) {
		t.Helper()
		found := 0
		err := filepath.WalkDir(s.dataDir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found++
			for what, needle := range needles {
				if bytes.Contains(content, needle) {
					t.Errorf("%s: %s is in %s", when, what, path)
				}
			}
			return nil
		})
		if err != nil || found < 3 {
			t.Fatalf("looked at %d files: %v", found, err)
		}
		for what, needle := range needles {
			if strings.Contains(s.out.String(), string(needle)) || strings.Contains(s.errs.String(), string(needle)) {
				t.Errorf("%s: %s was printed", when, what)
			}
		}
	}
	b := s.browser()
	b.view(productsPath)
	note(b, "the first secret")
	s.drained()
	release := s.lockDatabase() // so that the journal holds it all
	b.post(loginPath, firstCustomer).want(200)
	note(b, "the second secret")
	b.post(loginPath, `{"email":"customer@example.com","password":"hunter2hunter2"}`).want(401)
	b.view(productsPath + "/1?token=" + url64(b.cookie("session")) + "&password=hunter2hunter2&session=" + b.cookie("session"))
	b.view(productsPath+"/1", "Referer: "+s.url+"/shop?session="+b.cookie("session"))
	b.post(ordersPath, oneMug).want(201)
	s.stranger("Cookie: session=" + b.cookie("session") + "x").view(productsPath)
	s.kill()
	if s.journalBytes() == 0 {
		t.Fatal("the journal is empty: the test does not test")
	}
	search("after kill -9, in the journal")
	release()
	s.start()
	b.post(loginPath, secondCustomer).want(200)
	note(b, "the third secret")
	b.post(logoutPath, "").want(200)
	s.drained()
	search("while it runs")
	s.stop(terminate)
	search("after its end")
	for _, args := range [][]string{{"config"}, {"config", "--json"}, {"doctor"}, {"sessions", "--json"}, {"stats", "--json"}} {
		r := s.run(args...)
		for what, needle := range needles {
			if strings.Contains(r.out+r.errors, string(needle)) {
				t.Errorf("footfall %v prints %s", args, what)
			}
		}
	}
}

func url64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestSecrets_OnesInPageURLsAreRedacted(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath + "?token=TOPSECRET1&code=TOPSECRET2&email=TOPSECRET3%40example.com&password=TOPSECRET4&limit=1&utm_source=news")
	s.drained()
	if row := strings.Join(s.row(`SELECT s.landing_page, s.utm_source, e.page FROM sessions s JOIN session_events e USING (session_id)`), " "); strings.Contains(row, "TOPSECRET") || !strings.Contains(row, "limit=1") || !strings.Contains(row, "news") {
		t.Errorf("stored: %s", row)
	}
}
