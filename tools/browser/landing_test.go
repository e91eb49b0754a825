package browser

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wantLanded fails the test unless there is one session, of this landing page and
// referrer, and the browser has its cookies.
func (b *tab) wantLanded(rule, landing, referrer string) {
	b.t.Helper()
	all := b.w.sessions()
	if len(all) != 1 || all[0].landing != landing || all[0].referrer != referrer {
		b.t.Errorf("%s: the sessions are %v, not one that landed on %q, from %q", rule, all, landing, referrer)
	}
	if b.cookie("session") == "" || b.cookie("visitor_id") == "" {
		b.t.Errorf("%s: the browser has no cookie of the session or none of the visitor", rule)
	}
}

func TestLanding_ByALinkOnAnotherSite(t *testing.T) {
	const rule = "a first landing by a link begins a session with the other site as its referrer"
	for _, way := range []struct{ name, policy, link, referrer string }{
		{"plain", "", "SHOP/product/1", "BANK/"},
		{"whole address", "unsafe-url", "SHOP/product/1", "BANK/post"},
		{"hidden address", "no-referrer", "SHOP/product/1", ""},
		{"redirect", "", "/out", "BANK/"},
	} {
		t.Run(way.name, func(t *testing.T) {
			w := newWorld(t)
			in := strings.NewReplacer("SHOP", w.shop, "BANK", w.bank)
			w.pages.HandleFunc("GET /out", func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, w.shop+"/product/1", http.StatusFound)
			})
			w.pages.HandleFunc("GET /post", func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Referrer-Policy", way.policy)
				writePage(rw, `<a id=link href="`+in.Replace(way.link)+`">a good shop</a>`)
			})
			b := w.newTab()
			b.open(w.bank + "/post")
			b.goes("link", w.shop+"/product/1")
			if e := w.sent("GET", "/product/1", 1); e.Header.Get("Sec-Fetch-Site") != "cross-site" || len(e.sets) != 2 {
				t.Errorf("%s and sets its two cookies: %v", rule, e)
			}
			b.wantLanded(rule, "/product/1", in.Replace(way.referrer))
			w.wantViews(rule, "/product/1")
		})
	}
}

// A customer's company logs them in: its page posts what says so (SAML).
func TestLanding_LoginByAForeignPost(t *testing.T) {
	for _, who := range []string{"stranger", "visitor"} {
		t.Run("of a "+who, func(t *testing.T) {
			w := newWorld(t)
			w.routes.HandleFunc("POST /saml", func(rw http.ResponseWriter, r *http.Request) {
				if err := w.stage.Tracker.Login(r.Context(), customer, time.Now()); err != nil {
					http.Error(rw, err.Error(), http.StatusServiceUnavailable)
					return
				}
				http.Redirect(rw, r, "/thanks", http.StatusSeeOther)
			})
			w.pages.HandleFunc("GET /portal", page(w.form("/saml")+submit))
			b := w.newTab()
			if who == "visitor" {
				b.open(w.shop + "/")
			}
			b.open(w.bank + "/portal")
			b.at(w.shop + "/thanks")
			const rule = "a handler that calls Login logs in, also by another site's POST"
			if e := w.sent("POST", "/saml", 1); len(e.cookies()) != 0 || len(e.sets) == 0 {
				t.Errorf("%s: %v", rule, e)
			}
			if got := b.fetch("/account"); !strings.HasSuffix(got, " "+customer) {
				t.Errorf("%s: /account is %q", rule, got)
			}
			owned := 0
			for _, s := range w.sessions() {
				if s.customer == customer {
					owned++
				}
			}
			if owned != 1 {
				t.Errorf("%s: the customer has %d sessions, not one: %v", rule, owned, w.sessions())
			}
		})
	}
}

// The first page may come from where no tracker is, a CDN say.
func TestLanding_FirstPostOfTheShopsOwn(t *testing.T) {
	const rule = "a first POST from the shop's own page begins a session"
	for _, way := range []struct{ name, policy, host, origin string }{
		{"same origin", "", "", "SHOP"},
		{"same origin, hidden address", "no-referrer", "", "null"},
		{"same site", "", "www.", "https://www."},
	} {
		t.Run(way.name, func(t *testing.T) {
			w := newWorld(t)
			w.routes.HandleFunc("POST /contact", page("thank you"))
			form := func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Referrer-Policy", way.policy)
				writePage(rw, w.form("/contact"))
			}
			at := strings.Replace(w.shop, "://", "://"+way.host, 1)
			w.static.HandleFunc("GET /form", form)
			if at != w.shop {
				w.site(at, http.HandlerFunc(form))
			}
			b := w.newTab()
			b.open(at + "/form")
			b.goes("pay", w.shop+"/contact")
			e := w.sent("POST", "/contact", 1)
			if got, want := e.Header.Get("Origin"), strings.Replace(way.origin, "SHOP", w.shop, 1); !strings.HasPrefix(got, want) {
				t.Errorf("the form's Origin is %q: this test is about %q", got, want)
			}
			if len(e.sets) != 2 {
				t.Errorf("%s and sets its cookies: %v", rule, e)
			}
			w.wantSessions(rule, 1)
			if b.cookie("session") == "" {
				t.Errorf("%s: the browser has no cookie of it", rule)
			}
		})
	}
}

func TestLanding_FirstFetchOfTheShopsOwn(t *testing.T) {
	w := newWorld(t)
	w.static.HandleFunc("GET /app", page("an app"))
	w.routes.HandleFunc("POST /api/search", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, `[]`) })
	b := w.newTab()
	b.open(w.shop + "/app?utm_source=mail")
	b.eval(`fetch("/api/search", {method: "POST", body: "shirts"}).then(r => r.text())`)
	b.wantLanded("a first POST of the shop's own script begins a session, of the page that it is on", "/app?utm_source=mail", "")
}
