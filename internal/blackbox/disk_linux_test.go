package blackbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// tmpfs mounts a small disk. That needs root, or nothing: without the right to
// mount there is no disk that fills up for this process alone.
func tmpfs(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		if os.Geteuid() != 0 {
			t.Skipf("mounting a small disk needs root: %v", err)
		}
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

func TestFault_ReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := tmpfs(t, "size=16m")
	s := openShopIn(t, filepath.Join(disk, "data"))
	b := s.browser()
	b.view(productsPath)
	s.stop(terminate)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	runWith(t, s.env, "demo").complaint(t, "DATA_DIR on a read-only disk", "DATA_DIR")
	runWith(t, environment(filepath.Join(disk, "other")), "demo").complaint(t, "a new DATA_DIR on a read-only disk", "DATA_DIR")
	if r := s.run("doctor"); r.code != 1 || !strings.Contains(r.out, "DATA_DIR") {
		t.Errorf("doctor: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	s.start()
	if got := b.asks(); got == nil {
		t.Error("the session is gone")
	}
}

// TestFault_ReadingFromAReadOnlyDisk looks at a copy or a backup: it works, or
// says what to do.
func TestFault_ReadingFromAReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := tmpfs(t, "size=16m")
	s := openShopIn(t, filepath.Join(disk, "data"))
	s.browser().view(productsPath)
	s.stop(terminate)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"stats", "sessions"} {
		if r := s.run(args); r.code != 0 {
			r.complaint(t, args+" on a read-only disk", "DATA_DIR")
		}
	}
}

// fillDisk fills a disk to the last byte until the function that it returns is called.
func fillDisk(t *testing.T, disk string) (release func()) {
	t.Helper()
	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { filler.Close() })
	for block := 1 << 20; block > 0; {
		if _, err := filler.Write(make([]byte, block)); err != nil {
			block /= 2
		}
	}
	return func() {
		t.Helper()
		if err := filler.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filler.Name()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFault_ReadyOnAFreedDiskBeforeAnyVisitorComes(t *testing.T) {
	t.Parallel()
	disk := tmpfs(t, "size=12m")
	s := openShopIn(t, filepath.Join(disk, "data"))
	bot := s.browser("User-Agent: " + googlebot) // nothing of it is tried again, as a session's activity is
	bot.get(productsPath).want(200)
	s.drained()
	release := fillDisk(t, disk)
	eventually(t, "/readyz says that the disk is full", func() (bool, string) {
		bot.get(productsPath).want(200)
		a := s.browser().get("/readyz")
		return a.status == 503 && strings.Contains(string(a.body), "no space left"), a.String()
	})
	if r := s.run("doctor"); r.code != 1 || !strings.Contains(r.out, "0 MiB are free") || !strings.Contains(r.out, "page views of meanwhile are not counted") {
		t.Errorf("doctor on a full disk: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
	release()
	eventually(t, "/readyz is 200 when there is room again", func() (bool, string) {
		a := s.browser().get("/readyz")
		return a.status == 200, a.String()
	})
}

func TestFault_FullDiskServesAndCountsOnWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	disk := tmpfs(t, "size=12m")
	s := openShopIn(t, filepath.Join(disk, "data"))
	b, customer := s.browser(), s.browser()
	const before = 5
	for range before {
		b.view(productsPath)
	}
	customer.post(loginPath, firstCustomer).want(200)
	s.drained()

	release := fillDisk(t, disk)
	const during = 300
	for i := range during {
		b.view(fmt.Sprintf("%s/%d?m=%d", productsPath, 1+i%200, i))
	}
	if n := s.status().Counts["unacknowledged"]; n == 0 {
		t.Fatal("the disk is not full: the test does not test")
	}
	for i := range 3 {
		a := b.post(ordersPath, oneMug, key(fmt.Sprint("full ", i)))
		if a.status != 201 {
			t.Errorf("an order on a full disk: %v", a)
		}
	}
	if a := s.browser().get(productsPath); a.status != 200 {
		t.Errorf("a new visitor on a full disk: %v", a)
	}
	b.post(cartPath, `{"productId":"1","quantity":1}`).want(200)
	if a := customer.post(logoutPath, ""); a.status != 200 {
		t.Errorf("a logout on a full disk: %v: the journal's reserve takes it", a)
	}
	customer.get(mePath).want(401)
	s.browser().post(loginPath, secondCustomer).want(200) // tracking never fails a login
	if a := s.browser().get("/readyz"); a.status == 200 {
		t.Log("note: /readyz is 200 on a full disk")
	}

	release()
	const after = 20
	for i := range after {
		b.view(fmt.Sprintf("%s/1?after=%d", productsPath, i))
	}
	s.drained()
	if n := s.count(`SELECT count(*) FROM session_events WHERE page LIKE '%after=%'`); n != after {
		t.Errorf("%d page views of after are stored, want %d", n, after)
	}
	stored := s.count(`SELECT count(*) FROM session_events WHERE session_id = ? AND event_type = 'page_view'`, b.session())
	lost := int(s.status().Counts["unacknowledged"])
	if stored < before+after || stored+lost < before+during+after {
		t.Errorf("%d page views are stored, %d facts counted as unacknowledged: %d are missing without a word", stored, lost, before+during+after-stored-lost)
	}
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != stored {
		t.Errorf("pageViews = %d, stored are %d", n, stored)
	}
	t.Logf("of %d page views on a full disk %d are stored", during, stored-before-after)
	s.crash()
	customer.get(mePath).want(401)
	s.drained()
	if again := s.count(`SELECT count(*) FROM session_events WHERE session_id = ? AND event_type = 'page_view'`, b.session()); again != stored {
		t.Errorf("after kill -9 %d page views are stored, before %d", again, stored)
	}
	if a := s.browser().get("/readyz").want(200); !strings.Contains(string(a.body), `"ready":true`) {
		t.Errorf("readyz: %s", a.body)
	}
}

func TestDoctor_LittleSpace(t *testing.T) {
	t.Parallel()
	disk := tmpfs(t, "size=12m")
	s := openShopIn(t, filepath.Join(disk, "data"), "JOURNAL_MAX_BYTES=4MiB")
	if r := s.run("doctor"); r.code != 1 || !strings.Contains(r.out, "MiB are free, less than 1024 MiB") {
		t.Errorf("doctor on a disk of 12 MiB: exit code %d\n%s%s", r.code, r.out, r.errors)
	}
}
