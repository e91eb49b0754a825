package blackbox

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallDisk is a shop on a disk of its own, whose address stays the same.
func smallDisk(t *testing.T) (s *shop, disk string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	disk = tmpfs(t, "size=16m")
	return openShopIn(t, filepath.Join(disk, "data"), "ADDR="+addr), disk
}

// startUnready runs the process and waits until it serves, ready or not, and whether or
// not it could say where in DATA_DIR.
func (s *instance) startUnready() {
	s.t.Helper()
	ended := s.execute()
	eventually(s.t, "the shop serves", func() (bool, string) {
		select {
		case <-ended:
			s.t.Fatalf("the shop ended on a full disk: %v\n%s", s.err, s.errs)
		default:
		}
		resp, err := http.Get(s.own + "/healthz")
		if err != nil {
			return false, err.Error()
		}
		resp.Body.Close()
		return resp.StatusCode == 200, resp.Status
	})
}

func TestFault_OrdersAcknowledgedOnAFullDiskSurviveAKill(t *testing.T) {
	t.Parallel()
	s, disk := smallDisk(t)
	release := fillDisk(t, disk)
	b, customer := s.browser(), s.browser()
	customer.post(loginPath, firstCustomer).want(200)
	var acknowledged []string
	for i := range 50 {
		a := b.post(ordersPath, oneMug, key(fmt.Sprint("full ", i)))
		switch a.status {
		case 201:
			acknowledged = append(acknowledged, a.order().ID)
		case 503:
		default:
			t.Errorf("an order on a full disk: %v", a)
		}
		b.get(productsPath + "?" + strings.Repeat("x", 500))
	}
	if len(acknowledged) < 50 {
		t.Errorf("%d of 50 orders were acknowledged on a full disk: the journal's reserve takes them", len(acknowledged))
	}
	customer.post(logoutPath, "").want(200)
	s.kill()
	if r := s.run("doctor"); !strings.Contains(r.out, "bytes wait for the next start") {
		t.Errorf("doctor does not say that the reserve holds orders for the next start\n%s", r.out)
	}
	s.startUnready()
	for i := range 5 { // the reserve is written on by the next process
		if a := b.post(ordersPath, oneMug, key(fmt.Sprint("again ", i))); a.status == 201 {
			acknowledged = append(acknowledged, a.order().ID)
		} else {
			t.Errorf("an order on a full disk after a restart there: %v", a)
		}
	}
	s.kill()
	release()
	s.start()
	s.drained()
	customer.get(mePath).want(401)
	missing := 0
	for _, id := range acknowledged {
		missing += 1 - s.count(`SELECT count(*) FROM orders WHERE order_id = ?`, id)
	}
	if missing > 0 {
		t.Errorf("%d of %d orders that were acknowledged on a full disk are lost after kill -9", missing, len(acknowledged))
	}
}

// A login over a login replaces the secret for good, as a logout ends it.
func TestFault_ASecretReplacedOnAFullDiskStaysReplaced(t *testing.T) {
	t.Parallel()
	s, disk := smallDisk(t)
	customer := s.browser()
	customer.post(loginPath, firstCustomer).want(200)
	replaced := customer.cookie("session")
	s.drained()
	release := fillDisk(t, disk)
	for range 100 {
		customer.get(productsPath + "?" + strings.Repeat("x", 500))
	}
	customer.post(loginPath, firstCustomer).want(200)
	again := customer.cookie("session")
	if again == "" || again == replaced {
		t.Fatalf("the second login sets the cookie %q: the test does not test", again)
	}
	s.kill()
	release()
	s.start()
	s.drained()
	s.stranger("Cookie: session=" + replaced).get(mePath).want(401)
	customer.get(mePath).want(200)
}

// What stands nowhere is not acknowledged: without a reserve there is no place on a full
// disk. The same call stands when there is room.
func TestFault_AnOrderThatStandsNowhereIsAnsweredWith503(t *testing.T) {
	t.Parallel()
	s, disk := smallDisk(t)
	s.kill()
	if err := os.Remove(filepath.Join(s.dataDir, "journal", "reserve")); err != nil {
		t.Fatal(err)
	}
	release := fillDisk(t, disk)
	s.startUnready()
	b := s.browser()
	a := b.post(ordersPath, oneMug, key("nowhere"))
	if a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("an order that stands nowhere: %v, want 503 and Retry-After", a)
	}
	release()
	eventually(t, "the same call stands when there is room", func() (bool, string) {
		a := b.post(ordersPath, oneMug, key("nowhere"))
		return a.status == 201, a.String()
	})
}

// Conveniences never stop a start.
func TestFault_AStartOnAFullDiskServes(t *testing.T) {
	t.Parallel()
	for _, ended := range []string{"killed", "stopped"} {
		t.Run(ended, func(t *testing.T) {
			s, disk := smallDisk(t)
			b := s.browser()
			b.view(productsPath)
			s.drained()
			if ended == "killed" {
				s.kill()
			} else {
				s.stop(terminate)
			}
			release := fillDisk(t, disk)
			s.startUnready()
			if a := b.get(productsPath); a.status != 200 {
				t.Errorf("a page on a full disk: %v", a)
			}
			if a := b.post(ordersPath, oneMug, key("started")); a.status != 201 {
				t.Errorf("an order on a full disk: %v", a)
			}
			release()
			s.drained()
		})
	}
}
