package admin_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/admin"
	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/stage"
)

func TestReady_NamesThePartsAndGivesDetailsOnlyWithTheToken(t *testing.T) {
	s := stage.New(t, nil)
	h := open(t, s, nil)
	for _, down := range []bool{false, true} {
		s.Hot.Down.Store(down)
		h := open(t, s, func(c *admin.Config) { c.DataDir = "" }) // the answer of another is kept for a second
		for _, bearer := range []string{"", "another-token-0123456789", token} {
			w := ask(t, h, "/readyz", bearer)
			if want := map[bool]int{false: 200, true: 503}[down]; w.Code != want {
				t.Errorf("the hot store fails: %v, and /readyz answers %d, want %d", down, w.Code, want)
			}
			var answer struct {
				Ready   bool
				Parts   map[string]map[string]any
				Journal map[string]any
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
			if len(answer.Parts) != 3 || answer.Parts["hot"]["ok"] != !down || answer.Parts["journal"]["ok"] != true || answer.Ready == down {
				t.Errorf("the hot store fails: %v, and /readyz says %s: it names every part and whether it is in order", down, w.Body)
			}
			_, latency := answer.Parts["hot"]["latencyMs"]
			said, _ := answer.Parts["hot"]["error"].(string)
			if detailed := latency || said != "" || answer.Journal != nil; detailed != (bearer == token) || down && bearer == token && said == "" {
				t.Errorf("with the token %q /readyz says %s: the details are for who has the token", bearer, w.Body)
			}
		}
	}
	s.Hot.Down.Store(false)
	if w := ask(t, h, "/healthz", ""); w.Code != 200 {
		t.Errorf("/healthz answers %d", w.Code)
	}
}

func TestListen_TheProcessIsFoundUntilItCloses(t *testing.T) {
	s := stage.New(t, nil)
	h := open(t, s, nil)
	if f, err := datadir.Find(s.Dir); !f.Running || err == nil {
		t.Errorf("before it listens the process is found as %+v, %v: it has the lock, and no address yet", f, err)
	}
	if err := h.Listen(""); err != nil {
		t.Fatal(err)
	}
	f, err := datadir.Find(s.Dir)
	if err != nil || !f.Running || f.Address.PID != os.Getpid() || f.Address.URL != h.URL() || f.Address.SessionTTL != "30m0s" {
		t.Fatalf("a listening process is found as %+v, %v, want this one at %s", f, err, h.URL())
	}
	if !strings.HasPrefix(h.URL(), "http://127.0.0.1:") {
		t.Errorf("it listens on %s: the default is the loopback interface", h.URL())
	}
	if info, err := os.Stat(filepath.Join(s.Dir, "admin.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the address has mode %v, %v: it has a token in it, so its owner alone may read it", info.Mode(), err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", f.Address.URL+"/_footfall/api/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.Address.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the admin API at the address that was found answers %v, %v", resp, err)
	}
	resp.Body.Close()
	if _, err := admin.New(admin.Config{Tracker: s.Tracker, Reader: s.SQLite, DataDir: s.Dir}); !errors.Is(err, datadir.ErrInUse) {
		t.Errorf("a second handler on the directory gets %v: one process at a time uses it", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if f, err := datadir.Find(s.Dir); err != nil || f.Running || f.Killed {
		t.Errorf("after a clean end the directory has %+v, %v: nobody runs there, and nobody was killed", f, err)
	}
	if _, err := http.Get(f.Address.URL + "/healthz"); err == nil {
		t.Error("after Close the address still answers")
	}
	if err := h.Announce("http://127.0.0.1:1"); err == nil {
		t.Error("after Close it can be announced: nobody would take that back")
	}
}

func TestMount_VisitorsReachTheProbesAloneIfTheRestIsElsewhere(t *testing.T) {
	s := stage.New(t, nil)
	h := open(t, s, nil)
	all, probes := http.NewServeMux(), http.NewServeMux()
	all.Handle("GET /", stage.Page) // as shops have it: it must not contradict what is mounted
	h.Mount(all)
	h.MountProbes(probes)
	for path, public := range map[string]bool{"/healthz": true, "/readyz": true, "/metrics": false, "/_footfall/api/status": false} {
		if w := ask(t, all, path, token); w.Code != 200 {
			t.Errorf("Mount: %s answers %d", path, w.Code)
		}
		if w := ask(t, probes, path, token); (w.Code == 200) != public {
			t.Errorf("MountProbes: %s answers %d", path, w.Code)
		}
	}
	if err := h.Announce("http://127.0.0.1:8080"); err != nil {
		t.Fatal(err)
	}
	if f, err := datadir.Find(s.Dir); err != nil || f.Address.URL != "http://127.0.0.1:8080" {
		t.Errorf("what was announced is found as %+v, %v", f, err)
	}
}

// Conveniences never stop a start: how commands find a process is one.
func TestAnnounce_WhatCannotBeWrittenIsTriedAgain(t *testing.T) {
	s := stage.New(t, nil)
	file := filepath.Join(s.Dir, "admin.json")
	h := open(t, s, nil)
	if err := os.MkdirAll(filepath.Join(file, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.Announce("http://127.0.0.1:8080"); err != nil {
		t.Errorf("Announce returns %v: the shop would not start, because commands cannot find it", err)
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	if h.URL() != "http://127.0.0.1:8080" {
		t.Errorf("the handler's URL is %q", h.URL())
	}
}

func TestNew_SaysEveryMistakeByField(t *testing.T) {
	_, err := admin.New(admin.Config{Tokens: []string{"short"}})
	if err == nil {
		t.Fatal("a handler of no tracker is made")
	}
	for _, field := range []string{"Config.Tracker", "Config.Reader", "Config.Tokens"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("the error does not name %s: %v", field, err)
		}
	}
	if strings.Contains(err.Error(), "short\"") {
		t.Errorf("the error shows a token: %v", err)
	}
	s := stage.New(t, nil)
	h := open(t, s, func(c *admin.Config) { c.DataDir = "" })
	if err := h.Announce("http://127.0.0.1:8080"); err == nil || !strings.Contains(err.Error(), "Config.DataDir") {
		t.Errorf("without a directory Announce returns %v: it has to name the field", err)
	}
	if err := h.Listen(""); err != nil {
		t.Errorf("without a directory Listen returns %v: monitoring can use it all the same", err)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "admin.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a directory something is announced: %v", err)
	}
}

func TestReady_SaysWhetherCustomersAreKnownAndHowFarThatIs(t *testing.T) {
	f := stage.NewFleet(t, 1)
	late := f.Add(true) // it starts while the archive is away, and has read nothing of who was revoked
	for known, s := range map[bool]*stage.Stage{true: f.Instances[0], false: late} {
		h := open(t, s, nil)
		w := ask(t, h, "/readyz", token)
		var answer struct {
			Ready, CustomersKnown bool
			Changes               string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if answer.CustomersKnown != known || answer.Ready != known || (answer.Changes == "") != known {
			t.Errorf("the changes of credentials were read: %v, and /readyz says %s: it says whether customers are known, and otherwise how far the reading is", known, w.Body)
		}
		if got, want := scrape(t, h).value(t, "footfall_customers_known{}"), map[bool]float64{true: 1}[known]; got != want {
			t.Errorf("the changes of credentials were read: %v, and footfall_customers_known is %v, want %v", known, got, want)
		}
	}
}

func TestReady_StrangersMakeOneLookASecond(t *testing.T) {
	s := stage.New(t, nil)
	h := open(t, s, nil)
	looks := s.Archive.Checks.Load
	before := looks()
	for range 200 {
		if w := ask(t, h, "/readyz", ""); w.Code != 200 {
			t.Fatalf("/readyz answers %d", w.Code)
		}
	}
	if n := looks() - before; n > 2 { // a second may pass
		t.Errorf("200 requests of strangers made %d looks at the archive: an answer is kept for a second", n)
	}
	before = looks()
	for range 3 {
		ask(t, h, "/readyz", token)
	}
	if n := looks() - before; n != 3 {
		t.Errorf("3 requests with the token made %d looks at the archive, want 3: operators see what is so now", n)
	}
}
