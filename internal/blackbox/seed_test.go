package blackbox

import (
	"net/http"
	"strings"
	"testing"
)

// The seed's "Postman Collection Test Cases", in its order. Each goes through
// those before it.

func seed1(t *testing.T) (*shop, *browser) {
	s := openShop(t)
	b := s.browser()
	a := b.view(productsPath).once()
	for _, name := range []string{"session", "visitor_id"} {
		if a.set(name) == "" {
			t.Errorf("the first visit sets no cookie %s: %q", name, a.header["Set-Cookie"])
		}
	}
	return s, b
}

func seed2(t *testing.T) (*shop, *browser) {
	s, b := seed1(t)
	before := b.cookie("session")
	if a := b.view(productsPath + "/123"); len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("a resumed session gets cookies: %q", a.header["Set-Cookie"])
	}
	if b.cookie("session") != before {
		t.Error("a resumed session's cookie changed")
	}
	return s, b
}

func seed3(t *testing.T) (*shop, *browser) {
	s, b := seed2(t)
	session, cookie := b.session(), b.cookie("session")
	b.post(loginPath, firstCustomer).want(200).once()
	if b.session() != session {
		t.Errorf("login changed the session's id from %s to %s", session, b.session())
	}
	if b.cookie("session") == cookie {
		t.Error("login did not change the session's secret")
	}
	return s, b
}

func TestSeed1_CreateAnonymousSession(t *testing.T) {
	t.Parallel()
	s, b := seed1(t)
	s.drained()
	row := strings.Join(s.row(`SELECT visitor_id, type, customer_id, page_views, converted, order_id, ended_at, landing_page, device, browser, os, user_agent FROM sessions WHERE session_id = ?`, b.session()), " ")
	if want := b.visitor() + " ANONYMOUS NULL 1 0 NULL NULL /api/storefront/products desktop Firefox Linux " + firefox; row != want {
		t.Errorf("sessions holds\n%s, want\n%s", row, want)
	}
	if n := s.count(`SELECT count(*) FROM visitors WHERE visitor_id = ?`, b.visitor()); n != 1 {
		t.Errorf("visitors holds the visitor %d times", n)
	}
	if got := b.asks(); got == nil || got.SessionID != b.session() || got.PageViews != 1 || got.Type != "ANONYMOUS" {
		t.Errorf("the live session is %+v", got)
	}
	for name, want := range map[string][]string{
		"session":    {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=86400"},
		"visitor_id": {"SameSite=Lax", "Path=/", "Max-Age=31536000"},
	} {
		for _, line := range s.browser().view(productsPath).header["Set-Cookie"] {
			if !strings.HasPrefix(line, name+"=") {
				continue
			}
			for _, attribute := range want {
				if !strings.Contains(line, attribute) {
					t.Errorf("%q lacks %s", line, attribute)
				}
			}
			if name == "visitor_id" && strings.Contains(line, "HttpOnly") {
				t.Errorf("scripts cannot read %q", line)
			}
			if strings.Contains(line, "Secure") {
				t.Errorf("in development a cookie is Secure: %q", line)
			}
		}
	}
}

func TestSeed2_ResumeExistingSession(t *testing.T) {
	t.Parallel()
	s, b := seed2(t)
	s.drained()
	if n := s.count(`SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d sessions, want the same one", n)
	}
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != 2 {
		t.Errorf("page_views = %d, want 2", n)
	}
	pages := s.rows(`SELECT page FROM session_events WHERE session_id = ? AND event_type = 'page_view' ORDER BY created_at, event_id`, b.session())
	if len(pages) != 2 || pages[0][0] != productsPath || pages[1][0] != productsPath+"/123" {
		t.Errorf("the page views are %v", pages)
	}
}

func TestSeed3_LoginSessionConversion(t *testing.T) {
	t.Parallel()
	s, b := seed3(t)
	s.drained()
	if row := s.row(`SELECT type, customer_id, page_views FROM sessions WHERE session_id = ?`, b.session()); strings.Join(row, " ") != "CUSTOMER cust_1 2" {
		t.Errorf("sessions holds %v", row)
	}
	if n := s.count(`SELECT count(*) FROM session_events WHERE session_id = ? AND event_type = 'customer_login'`, b.session()); n != 1 {
		t.Errorf("%d customer_login events, want one", n)
	}
	var me struct {
		Customer struct{ ID, Email string }
		Session  sessionJSON
	}
	a := b.get(mePath).want(200)
	a.into(&me)
	if me.Customer.ID != "cust_1" || me.Session.SessionID != b.session() || me.Session.Type != "CUSTOMER" {
		t.Errorf("me: %s", a.body)
	}
	if strings.Contains(strings.ToLower(string(a.body)), "password") {
		t.Errorf("me shows a password: %s", a.body)
	}
}

func TestSeed4_CreateOrderConversion(t *testing.T) {
	t.Parallel()
	s, b := seed3(t)
	o := b.post(ordersPath, `{"items":[{"productId":"1","quantity":2},{"productId":"11","quantity":1}],"shippingAddress":{"city":"Ulm"}}`).want(http.StatusCreated).order()
	if text(o.SessionID) != b.session() || o.Total.Currency != "EUR" || o.Total.Amount != 2*490+840 {
		t.Errorf("the order is %+v", o)
	}
	if again := b.asks(); !again.Converted || text(again.OrderID) != o.ID {
		t.Errorf("the live session is %+v", again)
	}
	s.drained()
	if row := strings.Join(s.row(`SELECT converted, order_id, type FROM sessions WHERE session_id = ?`, b.session()), " "); row != "1 "+o.ID+" CUSTOMER" {
		t.Errorf("sessions holds %s", row)
	}
	if row := strings.Join(s.row(`SELECT session_id, visitor_id, customer_id, amount, currency FROM orders WHERE order_id = ?`, o.ID), " "); row != b.session()+" "+b.visitor()+" cust_1 1820 EUR" {
		t.Errorf("orders holds %s", row)
	}
	if n := s.count(`SELECT count(*) FROM session_events WHERE session_id = ? AND event_type = 'order_completed'`, b.session()); n != 1 {
		t.Errorf("%d order_completed events, want one", n)
	}
}
