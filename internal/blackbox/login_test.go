package blackbox

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestFixation_CookieFromBeforeLoginIsWorthNothing(t *testing.T) {
	timed(t)
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	attacker := s.stranger("Cookie: session=" + b.cookie("session") + "; visitor_id=" + b.cookie("visitor_id"))
	b.post(loginPath, firstCustomer).want(200)
	session := b.session()

	// Until the successor has been used, and 10 s on, it finds the visit: for
	// counting only.
	anonymous := func(when string) {
		t.Helper()
		attacker.get(mePath).want(401)
		if got := attacker.asks(); got == nil || got.SessionID != session || got.CustomerID != nil || got.Type != "ANONYMOUS" {
			t.Errorf("%s the old cookie is %+v", when, got)
		}
		if a := attacker.view(productsPath); len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("%s the old cookie gets %q", when, a.header["Set-Cookie"])
		}
	}
	anonymous("before its successor's first use")
	var cart struct{ Items []any }
	b.post(cartPath, `{"productId":"9","quantity":1}`).want(200)
	used := time.Now()
	anonymous("right after it")
	attacker.post(cartPath, `{"productId":"8","quantity":1}`).want(200).into(&cart)
	if len(cart.Items) != 1 {
		t.Errorf("the old cookie sees the cart: %v", cart.Items)
	}
	if o := attacker.post(ordersPath, oneMug).want(201).order(); o.ID != "" {
		s.drained()
		if row := s.row(`SELECT customer_id FROM orders WHERE order_id = ?`, o.ID); row[0] != "NULL" {
			t.Errorf("an order with the old cookie is customer %s's", row[0])
		}
	}
	if a := attacker.post(logoutPath, ""); a.status == 200 {
		t.Errorf("the old cookie logs the customer out: %v", a)
	}
	b.get(mePath).want(200)

	eventually(t, "the old cookie is dead", func() (bool, string) {
		return attacker.asks() == nil, fmt.Sprintf("alive after %v", time.Since(used))
	})
	if took := time.Since(used); took < 9*time.Second || took > 10*time.Second+slack {
		t.Errorf("the old cookie died %v after its successor's first use, want 10s", took)
	}
	attacker.get(mePath).want(401)
	if got := sessionIn(attacker.view(productsPath).set("session")); got == "" || got == session {
		t.Errorf("the dead cookie gets session %q", got)
	}
	b.get(mePath).want(200)
	if b.asks().PageViews != 3 {
		t.Errorf("the session is %+v, want 3 page views", b.asks())
	}
}

func TestFixation_OldCookieStaysDeadAfterKill(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	attacker := s.stranger("Cookie: session=" + b.cookie("session"))
	b.post(loginPath, firstCustomer).want(200)
	s.crash()
	attacker.get(mePath).want(401)
	if got := attacker.asks(); got != nil && got.CustomerID != nil {
		t.Errorf("after kill -9 the old cookie is %+v", got)
	}
	b.get(mePath).want(200)
}

func TestLogin_AgainRotatesTheSecret(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	session, first := b.session(), b.cookie("session")
	b.post(loginPath, firstCustomer).want(200)
	if b.session() != session || b.cookie("session") == first {
		t.Errorf("a second login has session %s (before %s), same cookie: %v", b.session(), session, b.cookie("session") == first)
	}
	s.stranger("Cookie: session=" + first).get(mePath).want(401)
	b.get(mePath).want(200)
}

func TestLogin_AccountSwitchBeginsAnotherSession(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	b.post(loginPath, firstCustomer).want(200)
	b.post(cartPath, `{"productId":"5","quantity":2}`).want(200)
	first, cookie, visitor := b.session(), b.cookie("session"), b.visitor()
	b.post(loginPath, secondCustomer).want(200).once()
	if b.session() == first || b.session() == "" || b.visitor() != visitor {
		t.Errorf("after the switch: session %q (before %q), visitor %q (before %q)", b.session(), first, b.visitor(), visitor)
	}
	old := s.stranger("Cookie: session=" + cookie)
	old.get(mePath).want(401)
	if got := old.asks(); got != nil {
		t.Errorf("the first customer's cookie is %+v", got)
	}
	var cart struct{ Items []struct{ ProductID string } }
	b.post(cartPath, `{"productId":"6","quantity":1}`).want(200).into(&cart)
	if len(cart.Items) != 1 {
		t.Errorf("the second customer sees the first one's cart: %+v", cart)
	}
	o := b.post(ordersPath, oneMug).want(201).order()
	s.drained()
	for id, want := range map[string]string{first: "cust_1 account_switch 0 NULL", b.session(): "cust_2 NULL 1 " + o.ID} {
		if row := strings.Join(s.row(`SELECT customer_id, end_reason, converted, order_id FROM sessions WHERE session_id = ?`, id), " "); row != want {
			t.Errorf("session %s is %s, want %s", id, row, want)
		}
	}
	s.crash()
	old.get(mePath).want(401)
	b.get(mePath).want(200)
}

func TestLogin_TwiceInParallelFromOneSession(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	for round, bodies := range [][2]string{{firstCustomer, firstCustomer}, {firstCustomer, secondCustomer}} {
		b := s.browser()
		b.view(productsPath)
		cookies := "Cookie: session=" + b.cookie("session") + "; visitor_id=" + b.cookie("visitor_id")
		answers := make([]*answer, 2)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				a, err := s.stranger(cookies).try("POST", loginPath, bodies[i])
				if err != nil {
					t.Error(err)
					return
				}
				answers[i] = a
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		same := 0
		for i, a := range answers {
			a.want(200).once()
			got := a.set("session")
			if got == "" || got == b.cookie("session") {
				t.Fatalf("round %d: login %d sets %q", round, i, got)
			}
			if sessionIn(got) == b.session() {
				same++
			}
			me := s.stranger("Cookie: session=" + got + "; visitor_id=" + b.cookie("visitor_id")).get(mePath)
			if me.status != 200 && same == 0 {
				t.Errorf("round %d: the cookie of login %d is worth nothing: %d", round, i, me.status)
			}
		}
		if answers[0].set("session") == answers[1].set("session") {
			t.Errorf("round %d: both logins have the same cookie", round)
		}
		if same > 1 {
			t.Errorf("round %d: both logins rotated the same secret", round)
		}
		b.get(mePath) // the browser's old cookie: whatever it is, it is no customer's
		s.stranger(cookies).get(mePath).want(401)
	}
}

func TestSeedDefect15_GuessingIsThrottled(t *testing.T) {
	t.Parallel()
	s := openShop(t, "TRUSTED_PROXIES=127.0.0.0/8")
	guesser := s.browser("X-Forwarded-For: 203.0.113.66")
	const guess = `{"email":"customer@example.com","password":"guess"}`
	refused := 0
	for range 14 {
		a := guesser.post(loginPath, guess)
		switch a.status {
		case 401:
			if refused > 0 {
				t.Error("after a 429 a guess was looked at")
			}
		case 429:
			refused++
			a.envelope()
			if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 600 {
				t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
			}
		default:
			t.Fatalf("a guess: %v", a)
		}
	}
	if refused < 1 {
		t.Fatal("14 wrong passwords and no 429")
	}
	guesser.post(loginPath, firstCustomer).want(429)
	guesser.post(loginPath, strings.Replace(guess, "customer@", "Customer@", 1)).want(429)
	guesser.post(loginPath, secondCustomer).want(200) // another account, from the same place
	owner := s.browser("X-Forwarded-For: 198.51.100.10")
	owner.post(loginPath, firstCustomer).want(200)
	owner.get(mePath).want(200)
}

func TestLogin_ForgedForwardingDoesNotEscapeTheThrottle(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	last := 0
	for i := range 12 {
		last = s.browser(fmt.Sprintf("X-Forwarded-For: 203.0.%d.1", i)).post(loginPath, `{"email":"customer@example.com","password":"guess"}`).status
	}
	if last != 429 {
		t.Errorf("the twelfth guess behind an untrusted X-Forwarded-For: %d, want 429", last)
	}
}

func TestLogin_AFloodOfGuessesKeepsNoCustomerOut(t *testing.T) {
	// Not in parallel: what is measured is the login beside guesses, not beside other tests.
	s := openShop(t, "TRUSTED_PROXIES=127.0.0.0/8")
	owner := s.browser("X-Forwarded-For: 2001:db8:1:1::1")
	owner.post(loginPath, firstCustomer).want(200)
	owner.post("/api/storefront/auth/logout", "").want(200)

	var checked, paused, busy atomic.Int64
	done := make(chan struct{})
	var flood sync.WaitGroup
	for i := range 300 {
		flood.Go(func() {
			// Each guess comes from a /64 of its own in the owner's /48; every second one tries the owner's account.
			account := "customer@example.com"
			if i%2 == 1 {
				account = fmt.Sprintf("nobody%d@example.com", i)
			}
			a, err := s.stranger(fmt.Sprintf("X-Forwarded-For: 2001:db8:1:%x::1", i+16)).try("POST", loginPath, fmt.Sprintf(`{"email":%q,"password":"guess"}`, account))
			if err != nil {
				t.Error(err)
				return
			}
			switch a.status {
			case 401:
				checked.Add(1)
			case 429:
				paused.Add(1)
			case 503:
				busy.Add(1)
				if a.header.Get("Retry-After") == "" {
					t.Error("a 503 has no Retry-After")
				}
			default:
				t.Errorf("a guess: %v", a)
			}
		})
	}
	go func() { flood.Wait(); close(done) }()
	for during := true; during; {
		select {
		case <-done:
			during = false
		default:
		}
		began := time.Now()
		owner.post(loginPath, firstCustomer).want(200)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the owner's login took %v", took)
		}
	}
	if paused.Load() == 0 {
		t.Errorf("of 300 guesses %d were checked and %d found the shop busy: none was paused", checked.Load(), busy.Load())
	}
	t.Logf("%d checked, %d paused, %d busy", checked.Load(), paused.Load(), busy.Load())
	s.browser("X-Forwarded-For: 203.0.113.9").post(loginPath, secondCustomer).want(200)
}

func TestLogin_AbortedOnesLockNobodyOut(t *testing.T) {
	t.Parallel()
	s := openShop(t, "TRUSTED_PROXIES=127.0.0.0/8")
	const from = "X-Forwarded-For: 203.0.113.66"
	for range 40 { // the clients go away as soon as they have sent their request
		b := s.browser(from)
		c, err := net.Dial("tcp", strings.TrimPrefix(b.shop.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		body := firstCustomer
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: shop\r\n%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", loginPath, from, len(body), body)
		c.Close()
	}
	eventually := time.Now().Add(5 * time.Second)
	for s.browser(from).post(loginPath, firstCustomer).status != 200 {
		if time.Now().After(eventually) {
			t.Fatal("after 40 logins whose clients went away the owner is not let in")
		}
		time.Sleep(100 * time.Millisecond)
	}
}
