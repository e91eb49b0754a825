package blackbox

import (
	"testing"
	"time"
)

// Timers of the machine and a busy processor may be that late.
const slack = 2 * time.Second

type detailJSON struct {
	Session          sessionJSON
	Alive            bool
	RemainingSeconds int64
	ExpiresAt        *time.Time
}

// timed is for tests that measure: with the race detector the others would take
// the processor from them.
func timed(t *testing.T) {
	if !underRace {
		t.Parallel()
	}
}

func TestExpiry_Idle(t *testing.T) {
	timed(t)
	s := openShop(t, "SESSION_TTL=2s", "SESSION_MAX_AGE=6s")
	b := s.browser()
	viewed := time.Now()
	b.view(productsPath)
	old, cookie, visitor := b.session(), b.cookie("session"), b.visitor()
	var alive detailJSON
	eventually(t, "the command knows the session", func() (bool, string) {
		r := s.run("session", old)
		return r.code == 0, r.errors
	})
	s.runJSON(&alive, "session", old)
	if soon := time.Since(viewed) < 1500*time.Millisecond; soon && (!alive.Alive || alive.RemainingSeconds < 1 || alive.RemainingSeconds > 2 || alive.Session.EndedAt != nil) {
		t.Errorf("while it lives the command says %+v", alive)
	}
	seen := alive.Session.LastSeenAt
	eventually(t, "the session has ended", func() (bool, string) { return b.asks() == nil, "alive" }) // asking extends nothing
	if took := time.Since(seen); took < 2*time.Second || took > 2*time.Second+slack {
		t.Errorf("it ended %v after its last activity, want 2s", took)
	}
	var ended detailJSON
	s.runJSON(&ended, "session", old)
	end := ended.Session.LastSeenAt.Add(2 * time.Second)
	if ended.Alive || ended.RemainingSeconds != 0 || ended.ExpiresAt != nil || text(ended.Session.EndReason) != "idle" || ended.Session.EndedAt == nil || !ended.Session.EndedAt.Equal(end) {
		t.Errorf("after its end the command says %+v, want idle at %v", ended, end)
	}
	if n := s.count(`SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL`); n != 0 {
		t.Error("an idle end was written: it is derived")
	}

	b.view(productsPath)
	if b.session() == old || b.visitor() != visitor {
		t.Errorf("the next visit has session %s (before %s) and visitor %s (before %s)", b.session(), old, b.visitor(), visitor)
	}
	s.crash()
	stale := s.stranger("Cookie: session=" + cookie)
	if got := stale.asks(); got != nil {
		t.Errorf("after kill -9 the expired cookie is %+v", got)
	}
	if id := sessionIn(stale.view(productsPath).set("session")); id == "" || id == old {
		t.Errorf("after kill -9 the expired cookie gets session %q", id)
	}
}

func TestExpiry_AbsoluteDespiteActivity(t *testing.T) {
	timed(t)
	s := openShop(t, "SESSION_TTL=2s", "SESSION_MAX_AGE=6s")
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	old, cookie := b.session(), b.cookie("session")
	var begun detailJSON
	s.drained()
	s.runJSON(&begun, "session", old)
	began := begun.Session.StartedAt
	b.http.Jar = nil // send it for ever, whatever Max-Age says
	b.header.Set("Cookie", "session="+cookie)
	eventuallyWithin(t, 6*time.Second+slack, "the session has ended", func() (bool, string) {
		time.Sleep(200 * time.Millisecond) // a shopper at work
		if got := b.asks(); got != nil {
			b.view(productsPath + "/1")
			return false, got.LastSeenAt.String()
		}
		return true, ""
	})
	if took := time.Since(began); took < 6*time.Second || took > 6*time.Second+slack {
		t.Errorf("it ended %v after its begin, want 6s", took)
	}
	b.get(mePath).want(401)
	s.drained()
	var ended detailJSON
	s.runJSON(&ended, "session", old)
	if end := ended.Session.StartedAt.Add(6 * time.Second); ended.Alive || text(ended.Session.EndReason) != "absolute" || ended.Session.EndedAt == nil || !ended.Session.EndedAt.Equal(end) {
		t.Errorf("the command says %+v, want absolute at %v", ended, end)
	}
	s.crash()
	b.get(mePath).want(401)
	if id := sessionIn(b.view(productsPath).set("session")); id == old || id == "" {
		t.Errorf("after kill -9 the expired cookie gets session %q", id)
	}
}

func TestLogout_StaysDeadThroughKill(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	before := b.cookie("session")
	b.post(loginPath, firstCustomer).want(200)
	old, cookie := b.session(), b.cookie("session")
	b.post(logoutPath, "").want(200).once()
	if b.cookie("session") != "" {
		t.Error("logout left the cookie")
	}
	s.crash() // in the same moment
	for range 2 {
		for _, c := range []string{cookie, before} {
			dead := s.stranger("Cookie: session=" + c)
			dead.get(mePath).want(401)
			if got := dead.asks(); got != nil {
				t.Errorf("after logout and kill -9 a cookie is %+v", got)
			}
			if id := sessionIn(dead.view(productsPath).set("session")); id == "" || id == old {
				t.Errorf("after logout and kill -9 a cookie gets session %q", id)
			}
		}
		s.drained()
		if row := s.row(`SELECT end_reason, ended_at > 0 FROM sessions WHERE session_id = ?`, old); row[0] != "logout" || row[1] != "1" {
			t.Errorf("sessions holds %v", row)
		}
		s.stop(terminate)
		s.start()
	}
}

func TestLiveSession_SurvivesKill(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	anonymous, customer := s.browser(), s.browser()
	anonymous.view(productsPath)
	customer.post(loginPath, secondCustomer).want(200)
	customer.post(cartPath, `{"productId":"7","quantity":2}`).want(200)
	for i := range 3 {
		a, c := anonymous.session(), customer.session()
		s.crash()
		if got := anonymous.asks(); got == nil || got.SessionID != a || got.PageViews != i+1 {
			t.Fatalf("after kill -9 number %d the anonymous session is %+v", i+1, got)
		}
		customer.get(mePath).want(200)
		if got := customer.asks(); got == nil || got.SessionID != c || text(got.CustomerID) != "cust_2" {
			t.Fatalf("after kill -9 number %d the customer's session is %+v", i+1, got)
		}
		for _, b := range []*browser{anonymous, customer} {
			if got := b.view(productsPath + "/1").header["Set-Cookie"]; len(got) > 0 {
				t.Errorf("after kill -9 a live session gets cookies: %q", got)
			}
		}
	}
	var cart struct {
		Items []struct {
			ProductID string
			Quantity  int
		}
	}
	customer.post(cartPath, `{"productId":"7","quantity":1}`).want(200).into(&cart)
	if len(cart.Items) != 1 || cart.Items[0].Quantity != 3 {
		t.Errorf("the cart after kill -9 is %+v", cart)
	}
}
