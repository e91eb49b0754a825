package blackbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// lookups is how often the shop has asked a store for a session.
func (s *shop) lookups() uint64 {
	c := s.status().Counts
	return c["hot_reads"] + c["archive_reads"]
}

func newUUID() string { return uuid.Must(uuid.NewV7()).String() }

func TestCookies_HostileOnesAreAnonymousWithoutLookup(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	victim := s.browser()
	victim.view(productsPath)
	victim.post(loginPath, firstCustomer).want(200)
	good, goodVisitor := victim.cookie("session"), victim.cookie("visitor_id")
	value, signature := signed(good)
	id, secretPart, _ := strings.Cut(value, ".")
	s.drained()

	zeros := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	hostile := map[string]string{
		"no value":                     "session=",
		"no sign of equality":          "session",
		"an unsigned id":               "session=" + id,
		"an unsigned value":            "session=" + value,
		"an unsigned value, s:":        "session=" + wire("s:"+value),
		"an empty signature":           "session=" + wire("s:"+value+"."),
		"a signature cut by one":       "session=" + wire("s:"+value+"."+signature[:len(signature)-1]),
		"a signature with one more":    "session=" + wire("s:"+value+"."+signature+"A"),
		"a padded signature":           "session=" + wire("s:"+value+"."+signature+"="),
		"a cut cookie":                 "session=" + good[:len(good)/2],
		"a cookie cut in an escape":    "session=" + good[:strings.LastIndexByte(good, '%')] + "%2",
		"another secret's signature":   "session=" + sign(value, "another-secret-of-32-bytes-or-more!!"),
		"another id, same signature":   "session=" + wire("s:"+newUUID()+"."+secretPart+"."+signature),
		"no secret, signed":            "session=" + sign(id, cookieSecret),
		"short secret, signed":         "session=" + sign(id+"."+secretPart[:42], cookieSecret),
		"long secret, signed":          "session=" + sign(value+"A", cookieSecret),
		"upper-case id, signed":        "session=" + sign(strings.ToUpper(id)+"."+secretPart, cookieSecret),
		"a version 4 id, signed":       "session=" + sign(uuid.NewString()+"."+zeros, cookieSecret),
		"empty text, signed":           "session=" + sign("", cookieSecret),
		"an order's token, signed":     "session=" + sign("order."+newUUID(), cookieSecret),
		"JSON, j:":                     "session=" + wire(`j:{"sessionId":"`+id+`"}`),
		"JSON array, j:":               "session=" + wire(`j:["`+value+`"]`),
		"JSON, j:, signed":             "session=" + sign(`j:{"sessionId":"`+id+`"}`, cookieSecret),
		"the visitor cookie":           "session=" + goodVisitor,
		"a long one":                   "session=" + wire("s:"+strings.Repeat("A", 4000)+"."+signature),
		"a long one, signed":           "session=" + sign(strings.Repeat("A", 4000), cookieSecret),
		"the good one, escaped twice":  "session=" + wire(good),
		"other names around":           "xsession=" + good + "; sessions=" + good + "; Session=" + good,
		"bad escapes":                  "session=%zz%",
		"bytes that are no UTF-8":      "session=s:\xff\xfe." + signature,
		"signed bytes, no UTF-8":       "session=" + sign("\xff\xfe", cookieSecret),
		"two signatures":               "session=" + wire("s:"+value+"."+signature+"."+signature),
		"quotes around a forged one":   `session="` + wire("s:"+value+".x") + `"`,
		"nine forged ones":             strings.Repeat("session="+wire("s:"+value+".x")+"; ", 9) + "a=b",
		"5,000 cookies of other names": manyCookies(5000) + "; session=" + wire("s:"+value+".x"),
		"5,000 session cookies":        strings.TrimSuffix(strings.Repeat("session=x; ", 5000), "; "),
	}
	for name, cookies := range hostile {
		before := s.lookups()
		for _, visitor := range []string{"", "; visitor_id=" + id, "; visitor_id=" + good, "; visitor_id=" + wire("s:v1."+newUUID()+"."+signature)} {
			b := s.stranger("Cookie: " + cookies + visitor)
			a := b.get(productsPath + "/1")
			if a.status != 200 {
				t.Errorf("%s: status %d", name, a.status)
				continue
			}
			a.once()
			got, who := sessionIn(a.set("session")), visitorIn(a.set("visitor_id"))
			if got == "" || got == id {
				t.Errorf("%s: gets session %q", name, got)
			}
			if who == "" || who == victim.visitor() || who == id {
				t.Errorf("%s%s: gets visitor %q", name, visitor, who)
			}
			if me := b.get(mePath); me.status != 401 {
				t.Errorf("%s: me answers %d", name, me.status)
			}
			if got := b.asks(); got != nil {
				t.Errorf("%s: is session %+v", name, got)
			}
			for _, post := range [][2]string{{cartPath, `{"productId":"1","quantity":1}`}, {logoutPath, ""}} {
				if a := b.post(post[0], post[1]); a.status != 200 {
					t.Errorf("%s: %s answers %d", name, post[0], a.status)
				}
			}
		}
		if n := s.lookups() - before; n != 0 {
			t.Errorf("%s: %d look-ups", name, n)
		}
	}
	victim.get(mePath).want(200)
}

func manyCookies(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf("c%d=1", i)
	}
	return strings.Join(parts, "; ")
}

func TestCookies_SignedUnknownSessionIsNotAdopted(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	victim := s.browser()
	victim.view(productsPath)
	s.drained()
	zeros := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	old := "01800000-0000-7000-8000-000000000000" // made in 2022
	for name, id := range map[string]string{"an unknown id": newUUID(), "a known id, another secret": victim.session(), "an old id": old, "an id of tomorrow": "ffffffff-0000-7000-8000-000000000000"} {
		b := s.stranger("Cookie: session=" + sign(id+"."+zeros, cookieSecret))
		before := s.lookups()
		a := b.view(productsPath).once()
		if got := sessionIn(a.set("session")); got == "" || got == id {
			t.Errorf("%s: gets session %q", name, got)
		}
		if n := s.lookups() - before; n > 2 || id == old && n > 0 {
			t.Errorf("%s: %d look-ups", name, n)
		}
		b.get(mePath).want(401)
		if got := b.asks(); got != nil {
			t.Errorf("%s: is session %+v", name, got)
		}
	}
	s.drained()
	if n := s.count(`SELECT count(*) FROM sessions WHERE session_id = ? OR visitor_id = ?`, old, old); n != 0 {
		t.Error("an id that a client chose was adopted")
	}
}

func TestCookies_OfDuplicatesTheValidOneWins(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	victim, other := s.browser(), s.browser()
	victim.post(loginPath, firstCustomer).want(200)
	other.view(productsPath)
	value, _ := signed(victim.cookie("session"))
	forged := "session=" + wire("s:"+value+".x")
	good := "session=" + victim.cookie("session")
	unknown := "session=" + sign(newUUID()+"."+base64.RawURLEncoding.EncodeToString(make([]byte, 32)), cookieSecret)
	visitor := "; visitor_id=forged; visitor_id=" + victim.cookie("visitor_id")
	for name, header := range map[string][]string{
		"forged first":        {"Cookie: " + forged + "; " + good + visitor},
		"forged last":         {"Cookie: " + good + "; " + forged + visitor},
		"in two lines":        {"Cookie: " + forged, "Cookie: " + good + visitor},
		"unknown first":       {"Cookie: " + unknown + "; " + good + visitor},
		"among 3,500 cookies": {"Cookie: " + manyCookies(3500) + "; " + forged + "; " + good + visitor},
		"quoted":              {`Cookie: session="` + victim.cookie("session") + `"` + visitor},
	} {
		b := s.stranger(header...)
		a := b.view(productsPath)
		if len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: sets %q", name, a.header["Set-Cookie"])
		}
		if got := b.asks(); got == nil || got.SessionID != victim.session() {
			t.Errorf("%s: is session %+v", name, got)
		}
		if me := b.get(mePath); me.status != 200 {
			t.Errorf("%s: me answers %d", name, me.status)
		}
	}
}

func TestCookies_VisitorCookieIsRestoredAndNeverBelievedUnsigned(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	for name, visitor := range map[string]string{
		"lost": "", "forged": "; visitor_id=" + newUUID(), "unsigned": "; visitor_id=v1." + newUUID(),
		"the session's": "; visitor_id=" + b.cookie("session"), "signed by nobody": "; visitor_id=" + sign("v1."+newUUID(), "nobodys-secret-of-32-bytes-or-more!!"),
		"signed, but no visitor": "; visitor_id=" + sign(newUUID(), cookieSecret),
	} {
		a := s.stranger("Cookie: session=" + b.cookie("session") + visitor).view(productsPath).once()
		if got := visitorIn(a.set("visitor_id")); got != b.visitor() {
			t.Errorf("%s: the visitor cookie becomes %q, want the session's %q", name, got, b.visitor())
		}
		if a.set("session") != "" {
			t.Errorf("%s: a new session", name)
		}
	}
	// A signed one without a session is the same visitor again.
	a := s.stranger("Cookie: visitor_id=" + b.cookie("visitor_id")).view(productsPath)
	if a.set("visitor_id") != "" || a.set("session") == "" {
		t.Errorf("a visitor who comes back gets %q", a.header["Set-Cookie"])
	}
	s.drained()
	if n := s.count(`SELECT count(*) FROM visitors`); n != 1 {
		t.Errorf("%d visitors, want one", n)
	}
}

func TestCookies_KeyRingRotates(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	b := s.browser()
	b.post(loginPath, firstCustomer).want(200)
	session, before := b.session(), b.cookie("session")
	s.stop(terminate)
	const next = "Yx8Tn4Vb1Kc5Mh7Lp9Jd3Gs0FaZr6Qw2"
	s.env = append(s.env, "COOKIE_SECRET="+next+","+cookieSecret)
	s.start()
	b.view(productsPath)
	b.get(mePath).want(200)
	if b.session() != session {
		t.Errorf("a rotation of keys changed session %s to %s", session, b.session())
	}
	if b.cookie("session") == before {
		t.Log("note: the session cookie was not signed anew with the first secret")
	}
	c := s.browser()
	c.view(productsPath)
	if value, _ := signed(c.cookie("session")); c.cookie("session") != sign(value, next) {
		t.Error("a new cookie is not signed with the first secret")
	}
}

func TestCookies_OversizedHeaderIsNoServerError(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	if a := s.stranger("Cookie: " + strings.Repeat("a=b; ", 20_000) + "c=d").get(productsPath); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d, want 431", a.status)
	}
	s.browser().view(productsPath)
}
