package blackbox

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// A case of a request that everybody may make.
type request struct {
	name, method, path, body string
	header                   []string
	status                   int
}

func TestRoutes_StatusesAndEnvelope(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	huge := `{"productId":"1","quantity":1,"note":"` + strings.Repeat("x", 100<<10) + `"}`
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	lines := strings.TrimSuffix(strings.Repeat(`{"productId":"1","quantity":1},`, 51), ",")
	anonymous := []request{
		{"list", "GET", productsPath, "", nil, 200},
		{"one", "GET", productsPath + "/1", "", nil, 200},
		{"the last", "GET", productsPath + "/200", "", nil, 200},
		{"past the last", "GET", productsPath + "/201", "", nil, 404},
		{"zero", "GET", productsPath + "/0", "", nil, 404},
		{"negative", "GET", productsPath + "/-1", "", nil, 404},
		{"leading zero", "GET", productsPath + "/01", "", nil, 404},
		{"sign", "GET", productsPath + "/+1", "", nil, 404},
		{"text", "GET", productsPath + "/mug", "", nil, 404},
		{"beyond int64", "GET", productsPath + "/99999999999999999999", "", nil, 404},
		{"nothing there", "GET", "/api/storefront/nothing", "", nil, 404},
		{"nothing below", "GET", productsPath + "/1/2", "", nil, 404},
		{"junk query", "GET", productsPath + "/1?%zz&&=&a=%00&;x=1&utm_source=%ff", "", nil, 200},
		{"very many parameters", "GET", productsPath + "/1?" + strings.Repeat("a=1&", 11_000), "", nil, 200},

		{"no body", "POST", cartPath, "", nil, 400},
		{"no JSON", "POST", cartPath, "productId=1", nil, 400},
		{"JSON null", "POST", cartPath, "null", nil, 404},
		{"an array", "POST", cartPath, "[]", nil, 400},
		{"a number as id", "POST", cartPath, `{"productId":1,"quantity":1}`, nil, 400},
		{"text as quantity", "POST", cartPath, `{"productId":"1","quantity":"1"}`, nil, 400},
		{"a fraction", "POST", cartPath, `{"productId":"1","quantity":1.5}`, nil, 400},
		{"huge", "POST", cartPath, huge, nil, 413},
		{"deep", "POST", cartPath, deep, nil, 400},
		{"two documents", "POST", cartPath, `{"productId":"1","quantity":1}{}`, nil, 400},
		{"unknown product", "POST", cartPath, `{"productId":"201","quantity":1}`, nil, 404},
		{"quantity 0", "POST", cartPath, `{"productId":"1","quantity":0}`, nil, 400},
		{"quantity -1", "POST", cartPath, `{"productId":"1","quantity":-1}`, nil, 400},
		{"quantity 1e9", "POST", cartPath, `{"productId":"1","quantity":1000000000}`, nil, 400},
		{"quantity 99", "POST", cartPath, `{"productId":"1","quantity":99}`, nil, 200},
		{"cart", "POST", cartPath, `{"productId":"1","quantity":1,"price":0}`, nil, 200},

		{"login without body", "POST", loginPath, "", nil, 400},
		{"login, no JSON", "POST", loginPath, "{", nil, 400},
		{"login, wrong type", "POST", loginPath, `{"email":["customer@example.com"],"password":"password123"}`, nil, 400},
		{"login, empty", "POST", loginPath, `{}`, nil, 401},
		{"login, wrong password", "POST", loginPath, `{"email":"customer@example.com","password":"password124"}`, nil, 401},
		{"login, unknown", "POST", loginPath, `{"email":"nobody@example.com","password":"password123"}`, nil, 401},
		{"login, long", "POST", loginPath, `{"email":"customer@example.com","password":"` + strings.Repeat("p", 5000) + `"}`, nil, 401},
		{"login, huge", "POST", loginPath, huge, nil, 413},
		{"logout of nobody", "POST", logoutPath, "", nil, 200},
		{"me of nobody", "GET", mePath, "", nil, 401},
		{"session of nobody", "GET", sessionPath, "", nil, 200},

		{"order without body", "POST", ordersPath, "", nil, 400},
		{"order, no JSON", "POST", ordersPath, "items", nil, 400},
		{"order, no items", "POST", ordersPath, `{}`, nil, 400},
		{"order, empty items", "POST", ordersPath, `{"items":[]}`, nil, 400},
		{"order, items of another type", "POST", ordersPath, `{"items":{"productId":"1"}}`, nil, 400},
		{"order, unknown product", "POST", ordersPath, `{"items":[{"productId":"0","quantity":1}]}`, nil, 400},
		{"order, quantity 0", "POST", ordersPath, `{"items":[{"productId":"1","quantity":0}]}`, nil, 400},
		{"order, quantity -1", "POST", ordersPath, `{"items":[{"productId":"1","quantity":-1}]}`, nil, 400},
		{"order, quantity 1e9", "POST", ordersPath, `{"items":[{"productId":"1","quantity":1000000000}]}`, nil, 400},
		{"order, 51 lines", "POST", ordersPath, `{"items":[` + lines + `]}`, nil, 400},
		{"order, address is text", "POST", ordersPath, `{"items":[{"productId":"1","quantity":1}],"shippingAddress":"Ulm"}`, nil, 400},
		{"order, huge", "POST", ordersPath, huge, nil, 413},
		{"order, long key", "POST", ordersPath, oneMug, []string{"Idempotency-Key: " + strings.Repeat("k", 300)}, 400},
		{"order", "POST", ordersPath, oneMug, nil, 201},
		{"order without address", "POST", ordersPath, `{"items":[{"productId":"200","quantity":99}]}`, nil, 201},

		{"PUT", "PUT", productsPath + "/1", `{}`, nil, 404},
		{"DELETE", "DELETE", cartPath, "", nil, 404},
		{"GET on an order", "GET", ordersPath, "", nil, 404},
	}
	for _, r := range anonymous {
		a := s.browser().do(r.method, r.path, r.body, r.header...)
		if a.status != r.status {
			t.Errorf("%s: status %d, want %d: %.200s", r.name, a.status, r.status, a.body)
			continue
		}
		a.once().envelope()
	}

	b := s.browser()
	for _, r := range []request{
		{"login", "POST", loginPath, firstCustomer, nil, 200},
		{"me", "GET", mePath, "", nil, 200},
		{"session", "GET", sessionPath, "", nil, 200},
		{"order", "POST", ordersPath, oneMug, nil, 201},
		{"logout", "POST", logoutPath, "", nil, 200},
		{"me", "GET", mePath, "", nil, 401},
		{"logout again", "POST", logoutPath, "", nil, 200},
	} {
		b.do(r.method, r.path, r.body, r.header...).want(r.status).envelope()
	}
	if a := b.get(mePath); a.Error != "Authentication required" || a.Message != "Please log in to continue" {
		t.Errorf("me of nobody says %s", a.body)
	}
	if a := s.browser().get(sessionPath); string(a.Data) != "null" {
		t.Errorf("the session of nobody is %s", a.body)
	}
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 302, "/nothing": 404, "/_footfall/api/stats": 401, "/_footfall/nothing": 404} {
		if a := s.browser().get(path); a.status != status || len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %d, want %d, cookies %q", path, a.status, status, a.header["Set-Cookie"])
		}
	}
	if a := s.browser().get("/metrics"); !strings.Contains(string(a.body), "footfall_sessions_begun_total") {
		t.Error("/metrics counts no sessions")
	}
}

// envelope checks the seed's envelope.
func (a *answer) envelope() {
	a.t.Helper()
	switch good := a.status < 400; {
	case a.Success == nil || *a.Success != good:
		a.t.Errorf("%s: %d with %.200s", a.request, a.status, a.body)
	case good && a.Data == nil:
		a.t.Errorf("%s: no data in %.200s", a.request, a.body)
	case !good && (a.Error == "" || a.Message == ""):
		a.t.Errorf("%s: no error or message in %.200s", a.request, a.body)
	}
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		a.t.Errorf("%s: Content-Type %q", a.request, got)
	}
}

func TestRoutes_Pagination(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	for query, want := range map[string]string{
		"":                                "200 1 200",
		"?limit=10":                       "10 1 10",
		"?limit=10&offset=195":            "5 196 200",
		"?offset=199":                     "1 200 200",
		"?offset=200":                     "0",
		"?offset=9223372036854775807":     "0",
		"?limit=9223372036854775807":      "200 1 200",
		"?limit=0":                        "0",
		"?limit=1&limit=5":                "1 1 1",
		"?limit=-1":                       "400",
		"?offset=-1":                      "400",
		"?limit=ten":                      "400",
		"?limit=1.5":                      "400",
		"?limit=99999999999999999999":     "400",
		"?limit=":                         "200 1 200",
		"?offset=3&limit=2&utm_source=ad": "2 4 5",
	} {
		a := b.get(productsPath + query)
		got := fmt.Sprint(a.status)
		if a.status == 200 {
			var list []struct{ ID string }
			a.into(&list)
			if got = fmt.Sprint(len(list)); len(list) > 0 {
				got += " " + list[0].ID + " " + list[len(list)-1].ID
			} else if string(a.Data) != "[]" {
				t.Errorf("%s: no list: %s", query, a.Data)
			}
		}
		if got != want {
			t.Errorf("products%s: %s, want %s", query, got, want)
		}
	}
}

func TestSeedDefect14_ForeignOriginIsRefusedOnUnsafeMethods(t *testing.T) {
	t.Parallel()
	s := openShop(t, "ALLOWED_ORIGINS=https://friend.example")
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	views := b.asks().PageViews
	for _, path := range []string{cartPath, loginPath, logoutPath, ordersPath} {
		body := map[string]string{cartPath: `{"productId":"1","quantity":1}`, loginPath: firstCustomer, ordersPath: oneMug}[path]
		for _, foreign := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Origin: null", "Sec-Fetch-Site: same-site"} {
			b.post(path, body, foreign).want(403).envelope()
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			b.do(method, path, body, "Origin: https://evil.example").want(403)
		}
	}
	b.get(mePath, "Origin: https://evil.example").want(200) // reading is the browser's business
	if got := b.asks(); got == nil || got.PageViews != views || got.Converted {
		t.Errorf("after foreign requests the session is %+v", got)
	}
	b.post(cartPath, `{"productId":"1","quantity":1}`, "Origin: "+s.url).want(200)
	b.post(cartPath, `{"productId":"1","quantity":1}`, "Sec-Fetch-Site: same-origin").want(200)
	b.post(cartPath, `{"productId":"1","quantity":1}`, "Origin: https://friend.example", "Sec-Fetch-Site: cross-site").want(200)
	s.drained()
	if n := s.count(`SELECT count(*) FROM session_events WHERE event_type = 'add_to_cart'`); n != 3 {
		t.Errorf("%d add_to_cart events, want 3", n)
	}
}

func TestCounting_OnlyPagesThatPeopleAskFor(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	const page = productsPath + "/1"
	for _, r := range []request{
		{"HEAD", "HEAD", page, "", nil, 200},
		{"OPTIONS", "OPTIONS", page, "", nil, 404},
		{"404", "GET", productsPath + "/999", "", nil, 404},
		{"400", "GET", productsPath + "?limit=x", "", nil, 400},
		{"POST", "POST", cartPath, `{"productId":"1","quantity":1}`, nil, 200},
		{"prefetch", "GET", page, "", []string{"Sec-Purpose: prefetch"}, 200},
		{"prerender", "GET", page, "", []string{"Sec-Purpose: prefetch;prerender"}, 200},
		{"old prefetch", "GET", page, "", []string{"Purpose: prefetch"}, 200},
		{"an image", "GET", page, "", []string{"Sec-Fetch-Dest: image"}, 200},
		{"me", "GET", mePath, "", nil, 401},
		{"session", "GET", sessionPath, "", nil, 200},
		{"a bot with the cookie", "GET", page, "", []string{"User-Agent: " + googlebot}, 200},
	} {
		b.do(r.method, r.path, r.body, r.header...).want(r.status)
		if got := b.asks(); got == nil || got.PageViews != 1 {
			t.Errorf("after %s the session is %+v", r.name, got)
		}
	}
	b.view(page)
	b.get(page, "If-None-Match: x").want(200)
	s.drained()
	if row := s.row(`SELECT page_views, (SELECT count(*) FROM session_events WHERE event_type = 'page_view'), (SELECT count(*) FROM session_events), (SELECT count(*) FROM sessions) FROM sessions`); strings.Join(row, " ") != "3 3 4 1" {
		t.Errorf("page views, their events, events, sessions: %v, want 3 3 4 1", row)
	}
}

func TestCounting_WhatIsNobodysBeginsNoSession(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	const page = productsPath + "/1"
	for _, r := range []request{
		{"HEAD", "HEAD", page, "", nil, 200},
		{"OPTIONS", "OPTIONS", page, "", nil, 404},
		{"404", "GET", productsPath + "/999", "", nil, 404},
		{"nothing there", "GET", "/api/storefront/nothing", "", nil, 404},
		{"prefetch", "GET", page, "", []string{"Sec-Purpose: prefetch"}, 200},
		{"me", "GET", mePath, "", nil, 401},
		{"session", "GET", sessionPath, "", nil, 200},
		{"a bad cart", "POST", cartPath, `{`, nil, 400},
		{"a wrong login", "POST", loginPath, `{"email":"x@example.com","password":"x"}`, nil, 401},
		{"a bad order", "POST", ordersPath, `{}`, nil, 400},
		{"logout", "POST", logoutPath, "", nil, 200},
		{"Googlebot", "GET", page, "", []string{"User-Agent: " + googlebot}, 200},
		{"curl", "GET", page, "", []string{"User-Agent: curl/8.5.0"}, 200},
		{"Go", "GET", page, "", []string{"User-Agent: Go-http-client/1.1"}, 200},
		{"no agent", "GET", page, "", []string{"User-Agent: "}, 200},
		{"a bot's cart", "POST", cartPath, `{"productId":"1","quantity":1}`, []string{"User-Agent: curl/8.5.0"}, 200},
	} {
		a := s.stranger().do(r.method, r.path, r.body, r.header...).want(r.status)
		if len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: sets %q", r.name, a.header["Set-Cookie"])
		}
	}
	s.drained()
	if n := s.count(`SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM visitors) + (SELECT count(*) FROM session_events)`); n != 0 {
		t.Errorf("%d rows of sessions, visitors and events, want none: %v", n, s.rows(`SELECT landing_page, user_agent FROM sessions`))
	}
	var stats statsJSON
	s.runJSON(&stats, "stats")
	if stats.BotViews != 4 || stats.Sessions != 0 {
		t.Errorf("stats says %+v, want 4 bot views", stats)
	}
}

func TestSession_AskingBeginsCountsAndExtendsNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	if a := b.get(sessionPath).want(200); len(a.header["Set-Cookie"]) > 0 || string(a.Data) != "null" {
		t.Errorf("asking began a session: %v", a)
	}
	b.view(productsPath)
	before := b.asks()
	for range 5 {
		b.get(sessionPath).want(200)
	}
	// Without its visitor cookie too: asking restores nothing.
	if a := s.stranger("Cookie: session=" + b.cookie("session")).get(sessionPath); len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("asking sets %q", a.header["Set-Cookie"])
	}
	if after := b.asks(); after.PageViews != 1 || !after.LastSeenAt.Equal(before.LastSeenAt) {
		t.Errorf("asking changed %+v to %+v", before, after)
	}
}

func TestMe_ExtendsAndCountsNothing(t *testing.T) {
	timed(t)
	s := openShop(t, "SESSION_TTL=2s")
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	first := b.asks()
	eventually(t, "me has kept the session alive past its idle time", func() (bool, string) {
		b.get(mePath).want(200)
		got := b.asks()
		return got.LastSeenAt.Sub(first.LastSeenAt) > 2500_000_000, got.LastSeenAt.String()
	})
	if got := b.asks(); got.PageViews != 0 {
		t.Errorf("me counted: %+v", got)
	}
	s.drained()
	if n := s.count(`SELECT count(*) FROM session_events`); n != 1 {
		t.Errorf("%d events, want the login alone", n)
	}
}

func TestHeaders_CacheControlAndVaryOnlyWithCookies(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	for _, step := range []struct {
		name string
		do   func() *answer
		sets bool
	}{
		{"first page", func() *answer { return b.get(productsPath) }, true},
		{"second page", func() *answer { return b.get(productsPath) }, false},
		{"session", func() *answer { return b.get(sessionPath) }, false},
		{"cart", func() *answer { return b.post(cartPath, `{"productId":"1","quantity":1}`) }, false},
		{"login", func() *answer { return b.post(loginPath, firstCustomer) }, true},
		{"page of a customer", func() *answer { return b.get(productsPath) }, false},
		{"order", func() *answer { return b.post(ordersPath, oneMug) }, false},
		{"logout", func() *answer { return b.post(logoutPath, "") }, true},
		{"bot", func() *answer { return s.stranger("User-Agent: " + googlebot).get(productsPath) }, false},
	} {
		a := step.do()
		if sets := len(a.header["Set-Cookie"]) > 0; sets != step.sets {
			t.Errorf("%s: sets cookies: %v", step.name, sets)
		}
		control, vary := a.header.Get("Cache-Control"), strings.Join(a.header["Vary"], ",")
		if step.sets && (control != "private, no-store" || vary != "Cookie") {
			t.Errorf("%s: Cache-Control %q, Vary %q", step.name, control, vary)
		}
		if !step.sets && (control != "" || vary != "") {
			t.Errorf("%s: no cookie, but Cache-Control %q, Vary %q", step.name, control, vary)
		}
	}
}

func TestCaps_NewSessionsPerMinute(t *testing.T) {
	t.Parallel()
	s := openShop(t, "NEW_SESSIONS_PER_MINUTE=5", "TRUSTED_PROXIES=127.0.0.0/8")
	begun := 0
	var last *answer
	for range 12 {
		if last = s.browser("X-Forwarded-For: 203.0.113.7").view(productsPath); last.set("session") != "" {
			begun++
		}
	}
	if begun < 5 || begun > 10 { // a minute may turn in between
		t.Errorf("%d of 12 visits got a session, want 5", begun)
	}
	if begun < 12 && s.browser("X-Forwarded-For: 198.51.100.7").view(productsPath).set("session") == "" {
		t.Error("another network got none")
	}
	s.browser("X-Forwarded-For: 203.0.113.7").post(loginPath, firstCustomer).want(200)
	s.stop(terminate)
	if n := s.count(`SELECT coalesce(sum(count), 0) FROM uncounted_visits`); n != 12-begun {
		t.Errorf("%d uncounted visits are stored, want %d", n, 12-begun)
	}
}

func TestProxies_TheRightmostUntrustedHopIsTheVisitor(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{"": "127.0.0.0", "TRUSTED_PROXIES=127.0.0.0/8": "198.51.100.0", "TRUSTED_PROXIES=127.0.0.0/8,198.51.100.0/24": "203.0.113.0", "TRUSTED_PROXIES=127.0.0.1 IP_MASK=false": "198.51.100.9"} {
		t.Run(settings, func(t *testing.T) {
			s := openShop(t, strings.Fields(settings)...)
			s.browser("X-Forwarded-For: 192.0.2.1, 203.0.113.5, 198.51.100.9", "X-Real-Ip: 192.0.2.9").view(productsPath)
			s.drained()
			if got := s.row(`SELECT ip_address FROM sessions`)[0]; got != want {
				t.Errorf("the address is %s, want %s", got, want)
			}
		})
	}
}

func TestFold_SixParallelFirstRequestsAreOneVisit(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	start := make(chan struct{})
	answers := make([]*answer, 6)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			<-start
			a, err := s.stranger().try("GET", fmt.Sprintf("%s/%d", productsPath, i+1), "", "Sec-Fetch-Mode: cors", "Referer: "+s.url+"/shop?utm_source=news")
			if err != nil || a.status != 200 {
				t.Errorf("request %d: %v %v", i, err, a)
				return
			}
			answers[i] = a
		})
	}
	close(start)
	wg.Wait()
	if t.Failed() {
		return
	}
	kept := answers[3]
	b := s.stranger("Cookie: session=" + kept.set("session") + "; visitor_id=" + kept.set("visitor_id"))
	b.view(productsPath)
	eventually(t, "the six are one session with all page views", func() (bool, string) {
		rows := s.rows(`SELECT session_id, page_views, (SELECT count(*) FROM session_events e WHERE e.session_id = s.session_id), (SELECT count(*) FROM visitors) FROM sessions s`)
		return len(rows) == 1 && strings.Join(rows[0], " ") == sessionIn(kept.set("session"))+" 7 7 1", fmt.Sprint(rows)
	})
	if got := b.asks(); got == nil || got.PageViews != 7 {
		t.Errorf("the live session is %+v, want 7 page views", got)
	}
	var events []struct{ EventID string }
	s.runJSON(&events, "events", sessionIn(kept.set("session")))
	if len(events) != 7 {
		t.Errorf("footfall events lists %d, want 7", len(events))
	}
	// The cookie of a folded one that comes back after all is a session again.
	late := s.stranger("Cookie: session=" + answers[0].set("session") + "; visitor_id=" + answers[0].set("visitor_id"))
	late.view(productsPath)
	s.drained()
	if n := s.count(`SELECT sum(page_views) FROM sessions`); n != 8 {
		t.Errorf("%d page views after a folded session came back, want 8: %v", n, s.rows(`SELECT session_id, page_views FROM sessions`))
	}
	if n := s.count(`SELECT count(*) FROM session_events`); n != 8 {
		t.Errorf("%d events after a folded session came back, want 8", n)
	}
}

// TestFold_VisitAfterLogoutIsAnotherVisit: its browser came with a visitor
// cookie, so it is not one of several first requests.
func TestFold_VisitAfterLogoutIsAnotherVisit(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	b.view(productsPath + "/1")
	first := b.session()
	b.post(logoutPath, "").want(200)
	b.view(productsPath + "/2") // and is gone
	second := b.session()
	// Folding is due 5 s after the first begin, and looked at each second: a pair
	// that has to be folded shows when it has been.
	other := "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	one, two := s.browser(other), s.browser(other)
	one.view(productsPath)
	two.view(productsPath)
	one.view(productsPath)
	eventually(t, "the pair is folded", func() (bool, string) {
		return s.count(`SELECT count(*) FROM folded_sessions WHERE id = unhex(replace(?, '-', ''))`, two.session()) == 1, ""
	})
	if rows := s.rows(`SELECT session_id, page_views FROM sessions WHERE session_id IN (?, ?)`, first, second); len(rows) != 2 {
		t.Errorf("the visit after a logout was folded into the one that had ended: %v", rows)
	}
}
