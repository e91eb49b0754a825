package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/mmdbtest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"footfall": main}) }

const browserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// TestScripts runs testdata/*.txtar. They read as a manual: "$ footfall …" and
// what it prints. Beside the commands of testscript there are
//
//	ready                 wait until the shop in DATA_DIR answers, and every part is in order
//	alive                 wait until it answers
//	metrics STATUS [TOKEN]      ask its admin address for /metrics, in vain if STATUS is 401
//	browse METHOD PATH [BODY]   make a request as a browser with cookies
//	forget                make it another browser
//	from ADDRESS          have a proxy say that its requests come from there
//	json                  the last output has to be one JSON document
//	json-lines N          the last output has N lines, each a JSON document
//	lines N               the last error output has N lines
//
// $SESSION is the session that the browser is in.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ADDR", "127.0.0.1:0")
			env.Setenv("DATA_DIR", filepath.Join(env.WorkDir, "shop-data"))
			env.Setenv("COOKIE_SECRET", "Zr6Qw2Yx8Tn4Vb1Kc5Mh7Lp9Jd3Gs0Fa")
			env.Setenv("ADMIN_TOKEN", "script-admin-token-0123456789")
			env.Setenv("NO_COLOR", "1")
			env.Values["browser"] = newBrowser()
			return writeGeo(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready":   func(ts *testscript.TestScript, _ bool, _ []string) { scriptWait(ts, "/readyz") },
			"alive":   func(ts *testscript.TestScript, _ bool, _ []string) { scriptWait(ts, "/healthz") },
			"metrics": scriptMetrics,
			"browse":  scriptBrowse,
			"forget": func(ts *testscript.TestScript, _ bool, _ []string) {
				*ts.Value("browser").(*http.Client) = *newBrowser()
			},
			"from": func(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv("FROM", args[0]) },
			"json": func(ts *testscript.TestScript, neg bool, _ []string) {
				if json.Valid([]byte(ts.ReadFile("stdout"))) == neg {
					ts.Fatalf("the output is not what was expected of JSON:\n%s", ts.ReadFile("stdout"))
				}
			},
			"json-lines": func(ts *testscript.TestScript, _ bool, args []string) {
				lines := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n")
				if len(args) != 1 || fmt.Sprint(len(lines)) != args[0] {
					ts.Fatalf("%d lines of output, want %v:\n%s", len(lines), args, ts.ReadFile("stdout"))
				}
				for _, line := range lines {
					if !json.Valid([]byte(line)) {
						ts.Fatalf("this line is no JSON: %s", line)
					}
				}
			},
			"lines": func(ts *testscript.TestScript, _ bool, args []string) {
				if n := fmt.Sprint(strings.Count(ts.ReadFile("stderr"), "\n")); len(args) != 1 || n != args[0] {
					ts.Fatalf("%s lines of errors, want %v:\n%s", n, args, ts.ReadFile("stderr"))
				}
			},
		},
	})
}

// writeGeo writes small databases of places in the two schemas that there are.
func writeGeo(dir string) error {
	paris := netip.MustParsePrefix("203.0.113.0/24")
	maxMind := mmdbtest.Write("GeoLite2-City", map[netip.Prefix]map[string]any{
		paris:                                  {"country": map[string]any{"iso_code": "FR"}, "city": map[string]any{"names": map[string]any{"en": "Paris"}}},
		netip.MustParsePrefix("2001:db8::/32"): {"country": map[string]any{"iso_code": "JP"}},
	})
	flat := mmdbtest.Write("dbip-city", map[netip.Prefix]map[string]any{paris: {"country_code": "FR", "city": "Paris"}})
	return errors.Join(os.WriteFile(filepath.Join(dir, "maxmind.mmdb"), maxMind, 0o600), os.WriteFile(filepath.Join(dir, "flat.mmdb"), flat, 0o600))
}

func newBrowser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, Timeout: 20 * time.Second}
}

func shopDoor(ts *testscript.TestScript) (datadir.Address, error) {
	return datadir.Read(ts.Getenv("DATA_DIR"))
}

// scriptMetrics asks for the metrics, and checks the status of the answer.
func scriptMetrics(ts *testscript.TestScript, _ bool, args []string) {
	d, err := shopDoor(ts)
	ts.Check(err)
	req, err := http.NewRequest(http.MethodGet, d.URL+"/metrics", nil)
	ts.Check(err)
	if len(args) > 1 {
		req.Header.Set("Authorization", "Bearer "+args[1])
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	if fmt.Sprint(resp.StatusCode) != args[0] {
		ts.Fatalf("/metrics answers %s, want %s", resp.Status, args[0])
	}
}

func scriptWait(ts *testscript.TestScript, path string) {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		d, err := shopDoor(ts)
		if err == nil {
			var resp *http.Response
			if resp, err = http.Get(d.URL + path); err == nil {
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					return
				}
				err = fmt.Errorf("%s: %s", path, resp.Status)
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no shop: %v", err)
		}
	}
}

var sessionCookie = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// scriptBrowse makes a request and prints its status and body to a place where
// the next "stdout" does not look. It waits until the database has the effects.
func scriptBrowse(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: browse METHOD PATH [BODY]")
	}
	d, err := shopDoor(ts)
	ts.Check(err)
	req, err := http.NewRequest(args[0], d.URL+"/api/storefront/"+args[1], strings.NewReader(strings.Join(args[2:], " ")))
	ts.Check(err)
	req.Header.Set("User-Agent", browserAgent)
	if from := ts.Getenv("FROM"); from != "" {
		req.Header.Set("X-Forwarded-For", from)
	}
	resp, err := ts.Value("browser").(*http.Client).Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Logf("%s\n%.300s", resp.Status, body)
	if (resp.StatusCode >= 400) != neg {
		ts.Fatalf("%s %s: %s", args[0], args[1], resp.Status)
	}
	for _, c := range ts.Value("browser").(*http.Client).Jar.Cookies(req.URL) {
		if c.Name == "session" {
			ts.Setenv("SESSION", sessionCookie.FindString(c.Value))
		}
	}
	ts.Check(waitDrained(d))
}

// waitDrained waits until the journal is empty.
func waitDrained(d datadir.Address) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		req, err := http.NewRequest(http.MethodGet, d.URL+"/_footfall/api/status", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+d.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		var status struct{ Data struct{ JournalPending int } }
		err = json.NewDecoder(resp.Body).Decode(&status)
		resp.Body.Close()
		if err != nil || status.Data.JournalPending == 0 {
			return err
		}
	}
	return os.ErrDeadlineExceeded
}
