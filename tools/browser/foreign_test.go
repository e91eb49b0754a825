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

// The shop's widget is a frame in another site's page. The request for the frame says so;
// what the frame then asks for looks like the shop's own, and comes without cookies all
// the same, so that its routes should be under Optional.
func TestForeignPage_WidgetBeginsNothing(t *testing.T) {
	for _, who := range []string{"buyer", "stranger"} {
		t.Run("of a "+who, func(t *testing.T) {
			w := newWorld(t)
			w.routes.HandleFunc("GET /widget", page(`stars<script>fetch("/stars")</script>`))
			w.routes.Handle("GET /stars", w.stage.Tracker.Optional(page("four")))
			w.pages.HandleFunc("GET /review", page(`<iframe src="`+w.shop+`/widget"></iframe>`))
			b, visitor, want := (*buyer)(nil), (*tab)(nil), 0
			if who == "buyer" {
				b = w.newBuyer()
				visitor, want = b.tab, 1
			} else {
				visitor = w.newTab()
			}
			before := w.views()
			visitor.open(w.bank + "/review")
			w.wantWithheld(w.sent("GET", "/widget", 1))
			e := w.sent("GET", "/stars", 1)
			w.wantWithheld(e)
			if e.Header.Get("Sec-Fetch-Site") != "same-origin" {
				t.Errorf("this test is about a request that looks like the shop's own: %v", e)
			}
			const rule = "the shop's frame in another site's page begins no session and counts nothing"
			w.wantSessions(rule, want)
			w.wantViews(rule, before...)
			if b != nil {
				b.wantSame("the shop's frame in another site's page does not log a customer out")
			}
		})
	}
}

// Where such a route is not under Optional, the browser takes no cookie from it.
func TestForeignPage_WhatAWidgetAsksForLogsNobodyOut(t *testing.T) {
	w := newWorld(t)
	w.routes.HandleFunc("GET /widget", page(`stars<script>fetch("/api/stars").then(() => fetch("/cart", {method: "POST"}))</script>`))
	w.pages.HandleFunc("GET /review", page(`<iframe src="`+w.shop+`/widget"></iframe>`))
	b := w.newBuyer()
	b.open(w.bank + "/review")
	w.sent("GET", "/api/stars", 1)
	if e := w.sent("POST", "/cart", 2); len(e.cookies()) != 0 {
		t.Errorf("this test is about requests without cookies: %v", e)
	}
	b.wantIn("what the shop's frame in another site's page asks for does not log a customer out")
}
