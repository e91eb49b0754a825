package browser

import (
	"net/http"
	"strings"
	"testing"
)

// A buyer is somebody who is logged in at the shop, has a cart, and pays elsewhere.
type buyer struct {
	*tab
	account, cart, session, visitor string
}

func (w *world) newBuyer() *buyer {
	w.t.Helper()
	b := &buyer{tab: w.newTab()}
	b.open(w.shop + "/")
	b.click("login")
	w.sent("POST", "/login", 1)
	w.sent("GET", "/", 2)
	b.at(w.shop + "/")
	b.eval(`fetch("/cart", {method: "POST"}).then(r => r.text())`)
	b.account, b.cart = b.fetch("/account"), b.fetch("/cart")
	b.session, b.visitor = b.cookie("session"), b.cookie("visitor_id")
	if !strings.HasSuffix(b.account, " "+customer) || b.cart != "two shirts" || b.session == "" || b.visitor == "" {
		w.t.Fatalf("the buyer's account is %q, the cart %q, the cookies %q and %q", b.account, b.cart, b.session, b.visitor)
	}
	return b
}

// wantSame fails the test unless the buyer is who they were before they paid, and there
// is no session but theirs.
func (b *buyer) wantSame(rule string) {
	b.t.Helper()
	b.wantIn(rule)
	all := b.w.sessions()
	if len(all) != 1 {
		b.t.Errorf("%s: there are %d sessions, not the one that the buyer had: %v", rule, len(all), all)
	}
	for _, s := range all {
		if strings.Contains(s.referrer, "bank-") {
			b.t.Errorf("%s: a session has the bank as its referrer: %v", rule, s)
		}
	}
}

// wantIn fails the test unless the buyer is logged in as before and has the same cart.
func (b *buyer) wantIn(rule string) {
	b.t.Helper()
	if session, visitor := b.cookie("session"), b.cookie("visitor_id"); session != b.session || visitor != b.visitor {
		b.t.Errorf("%s: the browser's cookies have changed: session %v, visitor %v", rule, session != b.session, visitor != b.visitor)
	}
	home := b.another()
	home.open(b.w.shop + "/pixel.png")
	if got := home.fetch("/account"); got != b.account {
		b.t.Errorf("%s: /account, for session, visitor and customer %q, is now %q", rule, b.account, got)
	}
	if got := home.fetch("/cart"); got != b.cart {
		b.t.Errorf("%s: the cart is %q, not %q", rule, got, b.cart)
	}
}

// wantWithheld fails the test unless the request came as one does whose cookies the
// browser keeps back, and its answer set none.
func (w *world) wantWithheld(e *exchange) {
	w.t.Helper()
	if names := e.cookies(); len(names) > 0 {
		w.t.Errorf("the browser sent cookies with a request that this test takes for one without: %v", e)
	}
	if len(e.sets) > 0 {
		w.t.Errorf("a request from which the browser withholds its cookies sets none: the answer sets %v", e.sets)
	}
}

const paid = "a payment's return does not log the buyer out"

// returnRoutes has the shop answer a payment's return: with a page, or with a redirect.
func (w *world) returnRoutes() {
	w.routes.HandleFunc("/payment/return", page("paid"))
	w.routes.HandleFunc("/payment/redirect", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/thanks", http.StatusSeeOther) })
}

// form posts to the shop.
func (w *world) form(path string) string {
	return `<form id=f method=post action="` + w.shop + path + `"><input type=hidden name=order value=7><button id=pay>back to the shop</button></form>`
}

const submit = `<script>document.getElementById("f").submit()</script>`

func TestPayment_ReturnByPostThatAScriptSubmits(t *testing.T) {
	w := newWorld(t)
	w.returnRoutes()
	w.pages.HandleFunc("GET /pay", page(w.form("/payment/return")+submit))
	b := w.newBuyer()
	before := w.views()
	b.open(w.bank + "/pay")
	b.at(w.shop + "/payment/return")
	e := w.sent("POST", "/payment/return", 1)
	w.wantWithheld(e)
	if site, mode := e.Header.Get("Sec-Fetch-Site"), e.Header.Get("Sec-Fetch-Mode"); site != "cross-site" || mode != "navigate" {
		t.Errorf("the return is %s, %s: this test is about one that is cross-site and navigates", site, mode)
	}
	if got := b.fetch("/account"); got != b.account {
		t.Errorf("%s: the page that it shows is served to %q, not to %q", paid, got, b.account)
	}
	w.wantViews("a request without its cookies counts nothing", before...)
	b.wantSame(paid)
}

func TestPayment_ReturnByPostThatAClickSubmits(t *testing.T) {
	w := newWorld(t)
	w.returnRoutes()
	w.pages.HandleFunc("GET /pay", page(w.form("/payment/return")))
	b := w.newBuyer()
	b.open(w.bank + "/pay")
	b.goes("pay", w.shop+"/payment/return")
	w.wantWithheld(w.sent("POST", "/payment/return", 1))
	b.wantSame(paid)
}

// Some shops' pages change when they are reloaded, so they redirect.
func TestPayment_ReturnByPostThatIsRedirected(t *testing.T) {
	w := newWorld(t)
	w.returnRoutes()
	w.pages.HandleFunc("GET /pay", page(w.form("/payment/redirect")+submit))
	b := w.newBuyer()
	b.open(w.bank + "/pay")
	b.at(w.shop + "/thanks")
	w.wantWithheld(w.sent("POST", "/payment/redirect", 1))
	if e := w.sent("GET", "/thanks", 1); len(e.cookies()) != 2 || len(e.sets) != 0 {
		t.Errorf("the page after the return comes with the buyer's cookies and needs no others: %v", e)
	}
	b.wantSame(paid)
	w.wantViews("the page after the return is viewed in the buyer's session", "/", "/", "/thanks")
}

func TestPayment_ReturnByGet(t *testing.T) {
	w := newWorld(t)
	w.returnRoutes()
	w.pages.HandleFunc("GET /pay", page(`<a id=pay href="`+w.shop+`/payment/return?order=7">back to the shop</a>`))
	b := w.newBuyer()
	b.open(w.bank + "/pay")
	b.goes("pay", w.shop+"/payment/return?order=7")
	if e := w.sent("GET", "/payment/return", 1); len(e.cookies()) != 2 || len(e.sets) != 0 {
		t.Errorf("a return by GET comes with the buyer's cookies and needs no others: %v", e)
	}
	b.wantSame(paid)
	w.wantViews("a return by GET is viewed in the buyer's session", "/", "/", "/payment/return?order=7")
}

// The bank's page asks its browser to say nothing of where it comes from.
func TestPayment_ReturnByPostWithoutAnOrigin(t *testing.T) {
	w := newWorld(t)
	w.returnRoutes()
	w.pages.HandleFunc("GET /pay", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Referrer-Policy", "no-referrer")
		writePage(rw, w.form("/payment/return")+submit)
	})
	b := w.newBuyer()
	b.open(w.bank + "/pay")
	b.at(w.shop + "/payment/return")
	e := w.sent("POST", "/payment/return", 1)
	w.wantWithheld(e)
	if e.Header.Get("Origin") != "null" {
		t.Errorf("the return's Origin is %q: this test is about null", e.Header.Get("Origin"))
	}
	b.wantSame(paid)
}

// A bank's check of its customer (3-D Secure) is often a frame in the shop's page, and so
// is what it returns to.
func TestPayment_ReturnInAFrameOfTheShop(t *testing.T) {
	for _, way := range []struct{ name, body string }{
		{"by POST", ""},
		{"by GET", `<script>location = "SHOP/payment/return"</script>`},
	} {
		t.Run(way.name, func(t *testing.T) {
			w := newWorld(t)
			w.returnRoutes()
			body := strings.ReplaceAll(way.body, "SHOP", w.shop)
			if body == "" {
				body = w.form("/payment/return") + submit
			}
			w.pages.HandleFunc("GET /check", page(body))
			w.routes.HandleFunc("GET /checkout", page(`<iframe src="`+w.bank+`/check"></iframe>`))
			b := w.newBuyer()
			b.open(w.shop + "/checkout")
			method := strings.TrimPrefix(way.name, "by ")
			w.wantWithheld(w.sent(method, "/payment/return", 1))
			if got := b.fetch("/account"); got != b.account {
				t.Errorf("%s: the page around the frame is served to %q, not to %q", paid, got, b.account)
			}
			b.wantSame(paid)
			w.wantViews("what returns in a frame counts nothing", "/", "/", "/checkout")
		})
	}
}

// The shop's page returns to a frame of the bank's.
func TestPayment_ReturnInAFrameOfTheBank(t *testing.T) {
	w := newWorld(t)
	w.returnRoutes()
	w.pages.HandleFunc("GET /frame", page(w.form("/payment/return")+submit))
	w.pages.HandleFunc("GET /pay", page(`<iframe src=/frame></iframe>`))
	b := w.newBuyer()
	b.open(w.bank + "/pay")
	w.wantWithheld(w.sent("POST", "/payment/return", 1))
	b.wantSame(paid)
}

// Without TLS a browser sends no Fetch metadata: a form's Origin says as much.
func TestPayment_ReturnByPostWithoutTLS(t *testing.T) {
	w := newWorldOn(t, "http", ".test")
	w.returnRoutes()
	w.pages.HandleFunc("GET /pay", page(w.form("/payment/return")+submit))
	b := w.newBuyer()
	b.open(w.bank + "/pay")
	b.at(w.shop + "/payment/return")
	e := w.sent("POST", "/payment/return", 1)
	w.wantWithheld(e)
	if e.Header.Get("Sec-Fetch-Site") != "" || e.Header.Get("Origin") != w.bank {
		t.Errorf("the return has Sec-Fetch-Site %q and Origin %q: this test is about one without the first", e.Header.Get("Sec-Fetch-Site"), e.Header.Get("Origin"))
	}
	b.wantSame(paid)
}
