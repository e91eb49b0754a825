package archivetest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

var sessionRules = []rule{
	{"absent_is_a_value", func(t *tester) {
		if _, ok, err := t.a.Session(t.Context(), sid(1)); ok || err != nil {
			t.Errorf("Session of nothing = %v, %v: absence is false without an error", ok, err)
		}
		if _, ok, err := t.a.Order(t.Context(), "o"); ok || err != nil {
			t.Errorf("Order of nothing = %v, %v: absence is false without an error", ok, err)
		}
		t.want(t.eventIDs(sid(1)), []string{}, "an unknown session has no events")
		sessions, err := t.a.CustomerSessions(t.Context(), "c", 10)
		if err != nil || len(sessions) != 0 {
			t.Errorf("CustomerSessions of nothing = %v, %v: there are none, without an error", sessions, err)
		}
		changes, cursor := t.changes(0)
		t.want(len(changes), 0, "an empty feed has no changes")
		t.want(cursor, int64(0), "a feed with nothing after a cursor leads on from there")
		t.want(t.stats().Sessions, int64(0), "an empty archive has figures of zero, and no error")
		if err := t.a.Append(t.Context(), nil); err != nil {
			t.Errorf("Append of nothing: %v: an empty batch is stored at once", err)
		}
	}},
	{"session_round_trip", sessionRoundTrip},
	{"not_known_is_null", func(t *tester) {
		t.append(begun(1, 0))
		text, err := json.Marshal(t.session(sid(1)).Session)
		if err != nil {
			t.Fatalf("MarshalJSON: %v", err)
		}
		for _, field := range []string{"customerId", "ipAddress", "userAgent", "country", "city", "device", "browser", "os", "landingPage", "referrer",
			"channel", "utmSource", "utmMedium", "utmCampaign", "utmTerm", "utmContent", "endedAt", "endReason", "orderId"} {
			if !strings.Contains(string(text), `"`+field+`":null`) {
				t.Errorf("%s of %s is not null: what is not known is null, not an empty text or a time in 1970", field, text)
			}
		}
	}},
	{"text_round_trips", textRoundTrips},
	{"stored_as_sent", storedAsSent},
	{"times_have_milliseconds_and_are_utc", func(t *tester) {
		zone := time.FixedZone("shop", 5*3600+1800)
		b := begun(1, 0)
		b.StartedAt = b.StartedAt.Add(999 * time.Microsecond).In(zone)
		b.LastSeenAt = b.StartedAt
		v := view(1, 1, 1)
		v.CreatedAt = v.CreatedAt.In(zone)
		o := order("o", 1, 1, 2)
		o.CreatedAt = o.CreatedAt.In(zone)
		t.append(b, v, o, login(1, 3, "c", 2))
		s := t.session(sid(1))
		t.want(s.StartedAt, at(0), "times are in UTC with a precision of one millisecond")
		t.want(s.LastSeenAt, at(1), "times are in UTC with a precision of one millisecond")
		t.want(s.AuthenticatedAt, at(2), "times are in UTC with a precision of one millisecond")
		t.want(t.events(sid(1))[0].CreatedAt, at(1), "times are in UTC with a precision of one millisecond")
		t.want(t.order("o").CreatedAt, at(2), "times are in UTC with a precision of one millisecond")
		t.append(revoked("c", 100))
		changes, _ := t.changes(0)
		t.want(changes[len(changes)-1].RevokedBefore, at(100), "times are in UTC with a precision of one millisecond")
	}},
	{"first_begin_wins", func(t *tester) {
		t.append(begun(1, 0), view(1, 1, 5), login(1, 10, "c", 9))
		want := t.session(sid(1))
		again := begun(1, 20)
		again.LandingPage, again.VisitorID, again.Version = "/other", vid(2), version(99)
		t.append(again)
		t.append(again, again)
		t.want(t.session(sid(1)), want, "a session begins once: a later beginning of the same id changes nothing")
	}},
	{"last_seen_is_the_latest", func(t *tester) {
		orders := [][]store.Fact{
			{seen(1, 50), view(1, 1, 20), seen(1, 10)},
			{seen(2, 10), view(2, 2, 20), seen(2, 50)},
			{view(3, 3, 20), seen(3, 50), seen(3, 10)},
			{seen(4, 10), seen(4, 5), view(4, 4, 50)},
			{view(5, 5, 50), view(5, 6, 20), seen(5, -10)},
		}
		for i, facts := range orders {
			t.append(begun(i+1, 0))
			if i%2 == 0 {
				t.append(facts...)
			} else {
				t.oneByOne(facts...)
			}
			t.want(t.session(sid(i+1)).LastSeenAt, at(50), "lastSeenAt is the latest of all activity, in whatever order it arrives")
		}
		t.append(begun(9, 100), seen(9, 50))
		t.want(t.session(sid(9)).LastSeenAt, at(100), "activity from before the beginning, by another clock, does not turn lastSeenAt back")
	}},
	{"values", func(t *tester) {
		b := begun(1, 0)
		b.Values = map[string]store.Value{"cart": {JSON: json.RawMessage(`{"id":1}`)}, "currency": {JSON: json.RawMessage(`"EUR"`), Keep: true}}
		t.append(b, begun(2, 0))
		t.want(t.session(sid(1)).Values, b.Values, "a session keeps the values it begins with, and whether they survive an account switch")
		t.append(value(1, "cart", `{"id":3}`, 30), value(1, "cart", `{"id":2}`, 20))
		want := map[string]store.Value{"cart": {JSON: json.RawMessage(`{"id":3}`)}, "currency": {JSON: json.RawMessage(`"EUR"`), Keep: true}}
		t.want(t.session(sid(1)).Values, want, "of two values of a key the later wins, also if it arrives first")
		t.append(b)
		t.want(t.session(sid(1)).Values, want, "a beginning that arrives again brings no old value back")
		t.append(value(1, "cart", "", 40))
		t.oneByOne(value(1, "cart", `{"id":3}`, 30))
		delete(want, "cart")
		t.want(t.session(sid(1)).Values, want, "a value set without JSON is removed, and an older one that arrives later does not bring it back")
		t.append(value(1, "cart", `[4]`, 50), value(1, "k e/y\"", "null", 51))
		want["cart"], want["k e/y\""] = store.Value{JSON: json.RawMessage(`[4]`)}, store.Value{JSON: json.RawMessage("null")}
		t.want(t.session(sid(1)).Values, want, "a removed value can be set again; a value can be JSON's null")
		t.want(len(t.session(sid(2)).Values), 0, "values belong to one session")
		t.append(login(1, 60, "c", 59))
		t.want(t.session(sid(1)).Values, want, "values survive a login")
	}},
}

// fullRecord returns a record in which every field is set.
func fullRecord() store.Record {
	r := record(1, 0)
	r.CustomerID = "customer-1"
	r.IPAddress, r.UserAgent, r.Country, r.City = "2001:db8:1::", "Mozilla/5.0 (X11; Linux x86_64)", "DE", "Köln"
	r.Device, r.Browser, r.OS = "desktop", "Firefox", "Linux"
	r.LandingPage, r.Referrer, r.Channel = "/p?utm_source=x", "https://example.com/", "Organic Search"
	r.UTMSource, r.UTMMedium, r.UTMCampaign, r.UTMTerm, r.UTMContent = "s", "m", "c", "t", "k"
	r.EndedAt, r.EndReason = at(9), store.EndRevoked
	r.Converted, r.OrderID, r.LastSeenAt = true, "o-1", at(8)
	r.SetCredentials(store.Credentials{Version: version(3), SecretHash: hash(3), Superseded: hash(4), CustomerID: r.CustomerID, AuthenticatedAt: at(2), EndedAt: at(9), EndReason: store.EndRevoked})
	r.Values = map[string]store.Value{"cart": {JSON: json.RawMessage(`{"a":1}`), Keep: true}}
	return r
}

func sessionRoundTrip(t *tester) {
	full, bare := fullRecord(), record(2, 100)
	t.append(&store.SessionBegun{Record: full}, &store.SessionBegun{Record: bare})
	t.want(t.session(sid(1)), full, "every field of a session, its credentials and its values come back")
	got := t.session(sid(2))
	if len(got.Values) == 0 {
		got.Values = nil
	}
	t.want(got, bare, "what is not known comes back as not known")
	sessions, err := t.a.Sessions(t.Context(), report.Filter{Limit: 10})
	if err != nil || len(sessions) != 2 {
		t.Fatalf("Sessions = %d sessions, %v: two were begun", len(sessions), err)
	}
	t.want(sessions, []store.Session{bare.Session, full.Session}, "a list has the same fields as the session alone")
	t.append(&store.EventRecorded{Event: store.Event{EventID: eid(1), SessionID: sid(2), VisitorID: vid(2), EventType: "quiz:started",
		Page: "/quiz?q=1", ProductID: "p-1", Metadata: json.RawMessage(`{"b":1,"a":[1.50,null]}`), CreatedAt: at(101)}}, event(2, 2, "bare", 102))
	events := t.events(sid(2))
	if len(events) != 2 {
		t.Fatalf("Events = %d, want the 2 of the session", len(events))
	}
	t.want(string(events[0].Metadata), `{"b":1,"a":[1.50,null]}`, "metadata comes back as it was given")
	t.want(events[0].EventType+" "+events[0].Page+" "+events[0].ProductID, "quiz:started /quiz?q=1 p-1", "every field of an event comes back")
	t.want(len(events[1].Metadata), 0, "metadata that is not known comes back as not known")
}

// texts are texts that a store may handle wrongly.
var texts = []string{
	`it's "quoted" \ and 'again'`, "'; DROP TABLE sessions; --", `{"$gt":""}`, "$where", "a.b.c", "%_%", "Ünïcödé ελληνικά עברית 日本語",
	"🛍️👩‍👩‍👧‍👦🏳️‍🌈", "e\u0301 is not \u00e9", "\u202eright to left", "\u200b\ufeff", "  spaces  ", "\U0010ffff\ue000\uffff", "null", "NaN", "0", "1e400", "true",
	strings.Repeat("long ", 2000), "<script>alert(1)</script>", "line\u2028separator",
}

// storedAsSent holds that nothing is escaped for HTML: a text that takes six times its
// length would pass every bound on bytes.
func storedAsSent(t *tester) {
	const text = "<<<<>&\u2028\u2029"
	const object = `{"` + text + `":"` + text + `"}`
	b := begun(1, 1)
	b.UserAgent = text
	b.Values = map[string]store.Value{text: {JSON: json.RawMessage(object)}}
	v := view(1, 1, 1)
	v.Metadata = json.RawMessage(object)
	o := order("o", 1, 1, 1)
	o.Metadata = json.RawMessage(object)
	t.append(b, v, o, value(1, "key", object, 2))
	s := t.session(sid(1))
	t.want(s.UserAgent, text, "what is stored has the length that was sent")
	t.want(string(s.Values[text].JSON), object, "a value of the session's beginning has the length that was sent")
	t.want(string(s.Values["key"].JSON), object, "a value has the length that was sent")
	t.want(string(t.order("o").Metadata), object, "an order's metadata has the length that was sent")
	if events := t.events(sid(1)); len(events) > 0 {
		t.want(string(events[0].Metadata), object, "an event's metadata has the length that was sent")
	}
}

func textRoundTrips(t *tester) {
	for i, text := range texts {
		b := begun(i+1, i)
		b.UserAgent, b.LandingPage, b.City = text, text, text
		v := view(i+1, i+1, i)
		v.Page, v.ProductID = text, text
		quoted, err := json.Marshal(map[string]string{text: text})
		if err != nil {
			t.Fatalf("Marshal: %v", err)
		}
		v.Metadata = quoted
		o := order(text, i+1, 1, i)
		o.Metadata = quoted
		t.append(b, v, o, login(i+1, i+1, text, i), value(i+1, text, string(quoted), i))
		s := t.session(sid(i + 1))
		t.want([]string{s.UserAgent, s.LandingPage, s.City, s.CustomerID, s.OrderID}, []string{text, text, text, text, text}, "text comes back byte by byte")
		t.want(string(s.Values[text].JSON), string(quoted), "values come back byte by byte")
		e := t.events(sid(i + 1))
		if len(e) == 0 {
			t.Fatalf("an event with page %.40q is not there: text is stored as it is", text)
		}
		t.want([]string{e[0].Page, e[0].ProductID, string(e[0].Metadata)}, []string{text, text, string(quoted)}, "text comes back byte by byte")
		t.want(string(t.order(text).Metadata), string(quoted), "text comes back byte by byte")
		sessions, err := t.a.CustomerSessions(t.Context(), text, 10)
		if err != nil || len(sessions) != 1 || sessions[0].SessionID != sid(i+1) {
			t.Errorf("CustomerSessions(%.40q) = %v, %v: a customer's id is compared byte by byte", text, idsOf(sessions), err)
		}
	}
}
