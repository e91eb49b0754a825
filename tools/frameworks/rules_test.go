package frameworks

import (
	"slices"
	"strings"
	"testing"
)

func each(t *testing.T, f func(t *testing.T, su setup, sh *shop)) {
	t.Helper()
	eachOf(t, setups(), f)
}

func eachOf(t *testing.T, setups []setup, f func(t *testing.T, su setup, sh *shop)) {
	t.Helper()
	for _, su := range setups {
		t.Run(su.name, func(t *testing.T) {
			t.Parallel()
			f(t, su, su.open(t))
		})
	}
}

func TestAPageIsOneSessionAndOnePageView(t *testing.T) {
	each(t, func(t *testing.T, _ setup, sh *shop) {
		v := sh.visitor()
		a := v.get("/page")
		if a.status != 200 || a.text != "a page" {
			t.Fatalf("the page is answered %d %q", a.status, a.text)
		}
		if got := a.sets(); !slices.Contains(got, "session") || !slices.Contains(got, "visitor_id") {
			t.Errorf("the first page sets the cookies %q, want session and visitor_id", got)
		}
		if cc := a.header.Values("Cache-Control"); !slices.Equal(cc, []string{"private, no-store"}) {
			t.Errorf("a page that sets cookies has Cache-Control %q, want one that keeps it out of caches", cc)
		}
		sh.wants("a page", counted{1, 1})
		if again := v.get("/page"); len(again.sets()) > 0 {
			t.Errorf("the second page sets cookies again: %q", again.sets())
		}
		sh.wants("the same visitor's second page", counted{1, 2})
	})
}

// errorPages are routes that have no page, and how they are answered.
var errorPages = []struct {
	path   string
	status int
}{{"/missing", 404}, {"/nowhere", 404}, {"/broken", 500}, {"/panic", 500}}

func TestAnErrorPageIsNoVisit(t *testing.T) {
	each(t, func(t *testing.T, _ setup, sh *shop) { errorPagesAreNoVisits(t, sh) })
}

func errorPagesAreNoVisits(t *testing.T, sh *shop) {
	t.Helper()
	for _, page := range errorPages {
		a := sh.visitor().get(page.path)
		if a.status != page.status {
			t.Errorf("%s is answered %d, want %d", page.path, a.status, page.status)
		}
		if got := a.sets(); len(got) > 0 {
			t.Errorf("%s: an error page of status %d sets the cookies %q on a first visit", page.path, a.status, got)
		}
	}
	for path, n := range sh.pages() {
		t.Errorf("%s: an error page on a first visit is %d sessions and %d page views, want none", path, n.sessions, n.views)
	}
}

func TestAnErrorPageIsNoPageViewOfAKnownVisitor(t *testing.T) {
	each(t, func(t *testing.T, _ setup, sh *shop) { errorPagesAreNoPageViews(t, sh) })
}

func errorPagesAreNoPageViews(t *testing.T, sh *shop) {
	t.Helper()
	v := sh.visitor()
	v.get("/page")
	for _, page := range errorPages {
		if a := v.get(page.path); a.status != page.status {
			t.Errorf("%s is answered %d, want %d", page.path, a.status, page.status)
		}
	}
	for path, n := range sh.pages() {
		if path != "/page" {
			t.Errorf("%s: an error page after a page is %d sessions and %d page views, want none", path, n.sessions, n.views)
		}
	}
}

func TestAnEmptyAnswerSetsCookiesAndCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, _ setup, sh *shop) { emptyAnswersCount(t, sh) })
}

func emptyAnswersCount(t *testing.T, sh *shop) {
	t.Helper()
	v := sh.visitor()
	a := v.get("/empty")
	if got := a.sets(); a.status != 200 || !slices.Contains(got, "session") || !slices.Contains(got, "visitor_id") {
		t.Errorf("an empty answer has status %d and sets the cookies %q, want 200, session and visitor_id", a.status, got)
	}
	v.get("/empty")
	sh.wants("two empty answers", counted{1, 2})
}

// withContext are the setups whose handlers get the context of the request.
func withContext() []setup {
	return slices.DeleteFunc(setups(), func(su setup) bool { return su.noContext })
}

func TestALoginInAHandlerIsRecognisedAfterwards(t *testing.T) {
	eachOf(t, withContext(), func(t *testing.T, _ setup, sh *shop) {
		v := sh.visitor()
		v.get("/page")
		if a := v.get("/whoami"); a.text != "customer:" {
			t.Errorf("before the login the tracker says %q", a.text)
		}
		if a := v.post("/login"); a.text != "ok" || !slices.Contains(a.sets(), "session") {
			t.Errorf("the login is answered %q and sets the cookies %q, want ok and session", a.text, a.sets())
		}
		if a := v.get("/whoami"); a.text != "customer: customer-17" {
			t.Errorf("after the login the tracker says %q, want customer-17", a.text)
		}
		if a := sh.visitor().post("/login"); a.text != "ok" || !slices.Contains(a.sets(), "session") {
			t.Errorf("a login as the first request is answered %q and sets the cookies %q, want ok and session", a.text, a.sets())
		}
	})
}

func TestALoginBeforeAnErrorPageKeepsItsCookie(t *testing.T) {
	eachOf(t, withContext(), func(t *testing.T, _ setup, sh *shop) { loginBeforeAnErrorPage(t, sh) })
}

func loginBeforeAnErrorPage(t *testing.T, sh *shop) {
	t.Helper()
	v := sh.visitor()
	v.get("/page")
	if a := v.post("/login-and-fail"); a.status != 500 || !slices.Contains(a.sets(), "session") {
		t.Errorf("a handler that logs in and then fails is answered %d and sets the cookies %q, want 500 and session: the old secret is worth nothing any more", a.status, a.sets())
	}
	if a := v.get("/whoami"); a.text != "customer: customer-17" {
		t.Errorf("after a login whose page failed the tracker says %q, want customer-17", a.text)
	}
}

func TestTrackAndFromContextFindTheRequest(t *testing.T) {
	eachOf(t, withContext(), func(t *testing.T, _ setup, sh *shop) {
		v := sh.visitor()
		v.get("/page")
		if a := v.post("/event"); a.text != "ok" {
			t.Errorf("Track in a handler says %q", a.text)
		}
		a := v.get("/session")
		sh.counts()
		var sessions, events int
		err := sh.db.QueryRow(`select (select count(*) from sessions where session_id = ?1),
			(select count(*) from session_events where session_id = ?1 and event_type = 'add_to_cart')`, a.text).Scan(&sessions, &events)
		if err != nil || sessions != 1 || events != 1 {
			t.Errorf("FromContext in a handler says session %q, of which the archive has %d, with %d events of Track (%v)", a.text, sessions, events, err)
		}
	})
}

func TestAPageOfARouterWithinCountsOnce(t *testing.T) {
	eachOf(t, withContext(), func(t *testing.T, _ setup, sh *shop) {
		v := sh.visitor()
		if a := v.get("/mounted/page"); a.status != 200 || a.text != "a page" || len(a.sets()) != 2 {
			t.Errorf("the page is answered %d %q and sets the cookies %q, want two", a.status, a.text, a.sets())
		}
		sh.wants("a page of a router with the tracker, within another with the tracker", counted{1, 1})
	})
}

func TestRoutesForCustomersAndUncountedRoutes(t *testing.T) {
	eachOf(t, withContext(), func(t *testing.T, _ setup, sh *shop) {
		if a := sh.visitor().get("/account"); a.status != 401 || !strings.Contains(a.text, "Authentication required") || strings.Contains(a.text, "a page") || len(a.sets()) > 0 {
			t.Errorf("RequireCustomer answers a stranger %d %q and sets %q, want 401 and nothing of the page", a.status, a.text, a.sets())
		}
		sh.wants("a page that a stranger may not see", counted{})
		v := sh.visitor()
		if a := v.get("/quiet"); a.status != 200 || a.text != "a page" || len(a.sets()) != 2 {
			t.Errorf("under Uncounted the page is answered %d %q and sets %q, want two cookies", a.status, a.text, a.sets())
		}
		sh.wants("a page under Uncounted", counted{1, 0})
		v.post("/login")
		if a := v.get("/account"); a.status != 200 || a.text != "a page" {
			t.Errorf("RequireCustomer answers a customer %d %q", a.status, a.text)
		}
		sh.wants("a customer's page", counted{1, 1})
	})
}
