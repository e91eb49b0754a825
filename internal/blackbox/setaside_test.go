package blackbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// A fact that the archive will not take costs nobody else anything, is shown, and is
// stored when what was wrong is mended.
func TestSetAside_AFactThatTheArchiveRefusesIsShownAndOfferedAgain(t *testing.T) {
	s := openShop(t)
	db := s.open("rw")
	if _, err := db.Exec(`CREATE TRIGGER refuses BEFORE INSERT ON event_rows WHEN NEW.page LIKE '%refused%' BEGIN SELECT RAISE(ABORT, 'refused by a trigger'); END`); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.view("/api/storefront/products?refused=1")
	for i := range 3 {
		b.view(fmt.Sprintf("/api/storefront/products?taken=%d", i))
	}
	s.drained()
	if n := s.count(`SELECT count(*) FROM session_events WHERE page LIKE '%taken%'`); n != 3 {
		t.Errorf("%d of the visitor's other 3 page views are stored: one that the archive refuses must cost no other", n)
	}
	req, err := http.NewRequest("GET", s.own+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var ready struct{ Journal struct{ SetAside int } }
	if err := json.NewDecoder(resp.Body).Decode(&ready); err != nil {
		t.Fatal(err)
	}
	doctor := s.run("doctor")
	if ready.Journal.SetAside != 1 || doctor.code != 1 || !strings.Contains(doctor.out, "1 facts are set aside") {
		t.Errorf("/readyz says that %d facts are set aside, and doctor (exit code %d):\n%s\nwant both to name the one", ready.Journal.SetAside, doctor.code, doctor.out)
	}
	if _, err := db.Exec(`DROP TRIGGER refuses`); err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.start()
	retried := s.run("doctor", "--retry", "--json")
	var said struct{ Facts int }
	if err := json.Unmarshal([]byte(retried.out), &said); err != nil || said.Facts != 1 || retried.code != 0 {
		t.Errorf("doctor --retry --json (exit code %d) prints %q: want the one fact, after a restart too", retried.code, retried.out)
	}
	s.drained()
	if n := s.count(`SELECT count(*) FROM session_events WHERE page LIKE '%refused%'`); n != 1 {
		t.Errorf("the page view is stored %d times after the archive takes it again, want once", n)
	}
	if doctor := s.run("doctor"); strings.Contains(doctor.out, "set aside") {
		t.Errorf("nothing is set aside any more, and doctor says:\n%s", doctor.out)
	}
	s.stop(os.Interrupt)
	if again := s.run("doctor", "--retry"); again.code != 0 || !strings.Contains(again.out, "0 facts") {
		t.Errorf("doctor --retry without a server (exit code %d) prints %q: nothing is left to retry", again.code, again.out)
	}
}
