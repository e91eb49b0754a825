package browser

import "testing"

// Another site's page shows the shop's images and asks for its data.
func TestForeignPage_ImagesAndFetchesBeginNothing(t *testing.T) {
	for _, who := range []string{"buyer", "stranger"} {
		t.Run("of a "+who, func(t *testing.T) {
			w := newWorld(t)
			w.pages.HandleFunc("GET /review", page(`<img src="`+w.shop+`/pixel.png">`))
			var b *buyer
			var visitor *tab
			want := 0
			if who == "buyer" {
				b = w.newBuyer()
				visitor, want = b.tab, 1
			} else {
				visitor = w.newTab()
			}
			before := w.views()
			visitor.open(w.bank + "/review")
			w.wantWithheld(w.sent("GET", "/pixel.png", 1))
			if got := visitor.eval(`fetch("` + w.shop + `/api/offer", {credentials: "include"}).then(r => r.text())`); got != `"some data"` {
				t.Fatalf("the foreign page's script was answered %q", got)
			}
			visitor.eval(`fetch("` + w.shop + `/cart", {method: "POST", mode: "no-cors", credentials: "include"}).then(r => r.type)`)
			w.wantWithheld(w.sent("GET", "/api/offer", 1))
			w.wantWithheld(w.sent("POST", "/cart", len(w.all("POST", "/cart"))))
			const rule = "what another site's page loads begins no session and counts nothing"
			w.wantSessions(rule, want)
			w.wantViews(rule, before...)
			if b != nil {
				b.wantSame("what another site's page loads does not log a customer out")
			}
		})
	}
}

// The shop's widget is a frame in another site's page; it asks for data of its own.
func TestForeignPage_WidgetBeginsNothing(t *testing.T) {
	for _, who := range []string{"buyer", "stranger"} {
		t.Run("of a "+who, func(t *testing.T) {
			w := newWorld(t)
			w.routes.HandleFunc("GET /widget", page(`stars<script>fetch("/api/stars").then(() => fetch("/cart", {method: "POST"}))</script>`))
			w.pages.HandleFunc("GET /review", page(`<iframe src="`+w.shop+`/widget"></iframe>`))
			var b *buyer
			var visitor *tab
			want, carts := 0, 1
			if who == "buyer" {
				b = w.newBuyer()
				visitor, want, carts = b.tab, 1, 2
			} else {
				visitor = w.newTab()
			}
			before := w.views()
			visitor.open(w.bank + "/review")
			w.wantWithheld(w.sent("GET", "/widget", 1))
			w.wantWithheld(w.sent("GET", "/api/stars", 1))
			w.wantWithheld(w.sent("POST", "/cart", carts))
			const rule = "the shop's frame in another site's page begins no session and counts nothing"
			w.wantSessions(rule, want)
			w.wantViews(rule, before...)
			if b != nil {
				b.wantSame("the shop's frame in another site's page does not log a customer out")
			}
		})
	}
}
