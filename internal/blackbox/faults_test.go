package blackbox

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFault_LockedDatabaseLosesNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b, customer := s.browser(), s.browser()
	b.view(productsPath)
	customer.post(loginPath, firstCustomer).want(200)
	s.drained()
	release := s.lockDatabase()
	const views = 500
	for i := range views {
		b.view(fmt.Sprintf("%s/1?m=%d", productsPath, i))
	}
	o := customer.post(ordersPath, oneMug).want(201).order()
	dead := s.stranger("Cookie: session=" + customer.cookie("session"))
	customer.post(logoutPath, "").want(200)
	dead.get(mePath).want(401)
	second := s.browser()
	second.post(loginPath, secondCustomer).want(200)
	second.get(mePath).want(200)
	fresh := s.browser()
	fresh.view(productsPath)
	s.drainsNot()
	release()
	s.drained()
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != views+1 {
		t.Errorf("pageViews = %d, want %d", n, views+1)
	}
	if row := s.row(`SELECT end_reason, order_id FROM sessions WHERE customer_id = 'cust_1'`); row[0] != "logout" || row[1] != o.ID {
		t.Errorf("the customer's session is %v", row)
	}
	if n := s.count(`SELECT count(*) FROM sessions WHERE session_id IN (?, ?)`, fresh.session(), second.session()); n != 2 {
		t.Errorf("%d of the two sessions begun meanwhile are stored", n)
	}
	if n := s.status().Counts["unacknowledged"]; n != 0 {
		t.Errorf("%d facts were not acknowledged", n)
	}
	dead.get(mePath).want(401)
}

// drainsNot checks that something waits.
func (s *shop) drainsNot() {
	s.t.Helper()
	if s.status().JournalPending == 0 {
		s.t.Fatal("nothing waits: the test does not test")
	}
}

func TestFault_LogoutIntoALockedDatabaseSurvivesKill(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	s.drained()
	dead := s.stranger("Cookie: session=" + b.cookie("session"))
	release := s.lockDatabase()
	b.post(logoutPath, "").want(200)
	s.kill()
	release()
	s.start()
	dead.get(mePath).want(401)
	if got := dead.asks(); got != nil {
		t.Errorf("the logged-out session is %+v", got)
	}
}

func TestFault_GarbageInTheJournal(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	release := s.lockDatabase()
	b := s.browser()
	const views = 200
	for i := range views {
		b.view(fmt.Sprintf("%s/1?m=%d", productsPath, i))
	}
	b.post(loginPath, firstCustomer).want(200)
	s.kill()
	release()
	segments := s.segments()
	if len(segments) == 0 || s.journalBytes() == 0 {
		t.Fatal("the journal is empty: the test does not test")
	}
	// A torn tail, a file that is nothing but garbage, one that is empty, and a
	// bit that flipped in the middle.
	last := segments[len(segments)-1]
	content, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), content...)
	flipped[len(flipped)/2] ^= 0x40
	flipped = append(flipped, []byte(strings.Repeat("garbage\x00\xff", 300))...)
	for name, b := range map[string][]byte{
		last: flipped, filepath.Join(s.dataDir, "journal", "ffffffffffffffff.wal"): []byte(strings.Repeat("\xde\xad", 3000)),
		filepath.Join(s.dataDir, "journal", "nonsense.wal"): nil, filepath.Join(s.dataDir, "journal", "readme.txt"): []byte("hello"),
	} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	s.drained()
	stored := s.count(`SELECT count(*) FROM session_events WHERE event_type = 'page_view'`)
	if stored != views-1 && !(stored == views && s.count(`SELECT count(*) FROM session_events`) == views) {
		t.Errorf("%d of %d page views are stored: one flipped bit may cost one record", stored, views)
	}
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != stored {
		t.Errorf("pageViews = %d, stored are %d", n, stored)
	}
	if n := s.status().Counts["journal_damaged_bytes"]; n == 0 {
		t.Error("the damage is not counted")
	}
	if kept, _ := filepath.Glob(filepath.Join(s.dataDir, "journal", "set-aside", "*")); len(kept) == 0 {
		t.Error("the damage was not set aside")
	}
	if r := s.run("doctor"); r.code != 1 || !strings.Contains(r.out, "damaged") {
		t.Errorf("doctor says nothing of it: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
	b.get(mePath).want(200)
	for range 10 {
		b.view(productsPath)
	}
	s.drained()
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != stored+10 {
		t.Errorf("after the damage: pageViews = %d, want %d", n, stored+10)
	}
}

func TestFault_GarbageFromTheFirstByte(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(dir, "journal"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"0000000000000001.wal", "x.wal"} {
		if err := os.WriteFile(filepath.Join(dir, "journal", name), []byte(strings.Repeat("garbage", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := openShopIn(t, dir)
	b := s.browser()
	b.view(productsPath)
	s.drained()
	if n := s.count(`SELECT page_views FROM sessions`); n != 1 {
		t.Errorf("pageViews = %d, want 1", n)
	}
}

func TestStop_CleanEndLeavesAnEmptyJournal(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "Ctrl-C": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			b := s.browser()
			const views = 300
			for range views {
				b.view(productsPath + "/1")
			}
			b.post(loginPath, firstCustomer).want(200)
			s.stop(signal)
			if n := s.journalBytes(); n != 0 {
				t.Errorf("the journal has %d bytes left: %v", n, s.segments())
			}
			if _, err := os.Stat(filepath.Join(s.dataDir, "admin.json")); err == nil {
				t.Error("admin.json is still there")
			}
			if n := s.count(`SELECT count(*) FROM session_events`); n != views+1 {
				t.Errorf("%d events are stored, want %d", n, views+1)
			}
			printed := s.errs.String()
			s.start()
			b.get(mePath).want(200)
			if more := strings.TrimPrefix(s.errs.String(), printed); strings.Contains(more, "WARN") || strings.Contains(more, "ERROR") {
				t.Errorf("the second start says:\n%s", more)
			}
			if n := s.status().Counts["facts_projected"]; n > 2 {
				t.Errorf("the second start projected %d facts of the first", n)
			}
			s.stop(signal)
			// All that DATA_DIR holds is for its owner alone.
			err := filepath.WalkDir(s.dataDir, func(path string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := d.Info()
				if err == nil && info.Mode().Perm()&0o077 != 0 {
					t.Errorf("others may open %s: %v", path, info.Mode())
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Who stops a process has to learn that its journal is still needed.
func TestStop_AJournalThatIsNotEmptiedIsExitCode1(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	s.drained()
	release := s.lockDatabase()
	defer release()
	b.view(productsPath + "/1")
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(2 * patience):
		t.Fatal("SIGTERM did not end it")
	}
	if code := s.process.ProcessState.ExitCode(); code != 1 {
		t.Errorf("with facts left in the journal the exit code is %d, want 1", code)
	}
	if !strings.Contains(s.errs.String(), "journalEmpty=false journalPending=1") {
		t.Errorf("the log does not say what is left in the journal:\n%s", s.errs)
	}
	release()
	s.start()
	s.drained()
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != 2 {
		t.Errorf("after the next start pageViews = %d, want 2", n)
	}
}

func TestStop_RequestsUnderWayAreFinished(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	body, rest := io.Pipe()
	reading := make(chan struct{}) // closed when the shop waits for the body
	trace := &httptrace.ClientTrace{Got100Continue: func() { close(reading) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", s.url+loginPath, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"User-Agent": {firefox}, "Content-Type": {"application/json"}, "Expect": {"100-continue"}}
	go func() {
		<-reading
		if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		for range 1000 { // until it has noticed
			if strings.Contains(s.errs.String(), "stopping") {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		_, _ = io.WriteString(rest, firstCustomer)
		rest.Close()
	}()
	resp, err := b.http.Do(req)
	if err != nil {
		t.Fatalf("a login during the end: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("a login during the end: %d", resp.StatusCode)
	}
	<-s.ended
	if s.err != nil {
		t.Errorf("the shop ended with %v", s.err)
	}
	s.start()
	b.get(mePath).want(200)
}

// A second signal does not wait for a request that never ends, and loses nothing.
func TestStop_SecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	slow, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := io.WriteString(slow, "POST "+cartPath+" HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // it is being handled
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it says what a second signal does", func() (bool, string) {
		return strings.Contains(s.errs.String(), "second signal"), s.errs.String()
	})
	select {
	case <-s.ended:
		t.Fatal("the first signal did not let the request go on: the test does not test")
	default:
	}
	if err := s.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("a second signal did not end it")
	}
	if code := s.process.ProcessState.ExitCode(); code != 2 {
		t.Errorf("after a second signal the exit code is %d, want 2", code)
	}
	s.start()
	s.drained()
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != 1 {
		t.Errorf("pageViews = %d, want 1", n)
	}
}
