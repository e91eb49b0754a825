package blackbox

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/internal/testserver"
)

// on puts a test's shops onto servers of its own.
func on(t *testing.T, instances int) *topology {
	t.Helper()
	top := &topology{redis: testserver.Redis(t), mongodb: testserver.MongoDB(t), instances: instances, plain: true}
	topologies.Store(t.Name(), top)
	return top
}

// What an operator sees with redis-cli and a MongoDB shell.
func TestShared_WhatPeopleSee(t *testing.T) {
	t.Parallel()
	top := on(t, 1)
	s := openShop(t)
	b := s.browser("X-Forwarded-For: 203.0.113.9")
	b.view(productsPath + "/1?utm_source=letter&utm_medium=email&utm_campaign=spring")
	b.post(loginPath, firstCustomer).want(200)
	b.view(productsPath + "/2")
	order := b.post(ordersPath, oneMug).want(201).order()
	id := b.session()

	value, _ := signed(b.cookie("session"))
	_, secret, _ := strings.Cut(value, ".")
	eventually(t, "Redis shows the session as it is", func() (bool, string) {
		shown := top.redis.Get(t, "session:"+id)
		var session sessionJSON
		if err := json.Unmarshal([]byte(shown), &session); err != nil {
			return false, err.Error()
		}
		if strings.Contains(shown, secret) {
			t.Error("the record holds the secret")
		}
		return session.SessionID == id && session.PageViews == 2 && session.Type == "CUSTOMER" && text(session.CustomerID) == "cust_1" &&
			session.Converted && text(session.OrderID) == order.ID && time.Since(session.LastSeenAt) < 10*time.Second && text(session.UTMSource) == "letter", shown
	})
	var ttl int
	if _, err := fmt.Sscan(top.redis.Do(t, "TTL", "session:"+id)[0], &ttl); err != nil || ttl < 1700 || ttl > 1800 {
		t.Errorf("TTL session:%s is %d: it is what remains of 30 minutes", id, ttl)
	}
	for key, most := range map[string]int{"metrics:active_users": 60, "metrics:daily_visits:" + time.Now().UTC().Format(time.DateOnly): 7 * 86400} {
		eventuallyWithin(t, 30*time.Second, key+" is 1", func() (bool, string) {
			n := top.redis.Get(t, key)
			var ttl int
			_, _ = fmt.Sscan(top.redis.Do(t, "TTL", key)[0], &ttl)
			return n == "1" && ttl > most-30 && ttl <= most, fmt.Sprintf("%q, TTL %d", n, ttl)
		})
	}
	s.drained()
	docs := documents(t, s.database)
	session := docs["sessions"][0]
	for field, want := range map[string]any{
		"_id": id, "sessionId": id, "visitorId": b.visitor(), "customerId": "cust_1", "type": "CUSTOMER", "pageViews": int64(2), "converted": true, "orderId": order.ID,
		"utmSource": "letter", "utmMedium": "email", "utmCampaign": "spring", "utmTerm": nil, "country": nil, "endedAt": nil, "device": "desktop", "browser": "Firefox", "os": "Linux",
	} {
		if got, there := session[field]; !there || got != want {
			t.Errorf("sessions: %s is %v (there: %v), want %v", field, got, there, want)
		}
	}
	for _, field := range []string{"startedAt", "lastSeenAt"} {
		if _, ok := session[field].(bson.DateTime); !ok {
			t.Errorf("sessions: %s is %T, want a datetime", field, session[field])
		}
	}
	types := map[any]int{}
	for _, e := range docs["session_events"] {
		types[e["eventType"]]++
		if e["_id"] != e["eventId"] || e["sessionId"] != id || e["visitorId"] != b.visitor() {
			t.Errorf("an event is %v", e)
		}
		for _, field := range []string{"page", "productId", "metadata", "createdAt"} {
			if _, there := e[field]; !there {
				t.Errorf("an event has no %s: what is not known is null", field)
			}
		}
	}
	if types["page_view"] != 2 || types["customer_login"] != 1 || types["order_completed"] != 1 {
		t.Errorf("the events are %v", types)
	}
	if o := docs["orders"]; len(o) != 1 || o[0]["_id"] != order.ID || o[0]["orderId"] != order.ID || o[0]["sessionId"] != id {
		t.Errorf("orders holds %v", o)
	}
	if v := docs["visitors"]; len(v) != 1 || v[0]["_id"] != b.visitor() {
		t.Errorf("visitors holds %v", v)
	}
	// The commands show the same, from any machine.
	var shown struct{ Session sessionJSON }
	elsewhere := environment(filepath.Join(t.TempDir(), "elsewhere"), s.env[len(s.env)-1])
	for _, e := range s.env {
		if strings.HasPrefix(e, "MONGODB_URI=") || strings.HasPrefix(e, "REDIS_URL=") {
			elsewhere = append(elsewhere, e)
		}
	}
	r := runWith(t, elsewhere, "session", id, "--json")
	if err := json.Unmarshal([]byte(r.out), &shown); r.code != 0 || err != nil || shown.Session.PageViews != 2 {
		t.Errorf("footfall session from elsewhere: %d %s%s", r.code, r.out, r.errors)
	}
	if r := runWith(t, elsewhere, "revoke", "--customer", "cust_1"); r.code != 0 {
		t.Errorf("footfall revoke from elsewhere: %d %s", r.code, r.errors)
	}
	b.get(mePath).want(401)
}

// documents reads a shop's collections.
func documents(t *testing.T, d *mongoDatabase) map[string][]bson.M {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(d.server).SetMaxPoolSize(1))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(ctx)
	all := map[string][]bson.M{}
	for _, name := range []string{"sessions", "session_events", "orders", "visitors"} {
		cursor, err := client.Database(d.name).Collection(name).Find(ctx, bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		var docs []bson.M
		if err := cursor.All(ctx, &docs); err != nil {
			t.Fatal(err)
		}
		all[name] = docs
	}
	return all
}

// A resumed request reads Redis once at most, whatever it asks for.
func TestShared_ResumedRequestsReadOnce(t *testing.T) {
	t.Parallel()
	top := on(t, 2) // each instance sees the session for the first time, too
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	b.post(loginPath, firstCustomer).want(200)
	var mu sync.Mutex
	var reads []string
	top.redis.Monitor(t, func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(line, `"GET"`) && strings.Contains(line, "session:"+b.session()) {
			reads = append(reads, line)
		}
	})
	for i := range 24 {
		path := []string{productsPath + "/1", mePath, sessionPath, productsPath}[i%4]
		mu.Lock()
		before := len(reads)
		mu.Unlock()
		b.get(path).want(200)
		time.Sleep(120 * time.Millisecond) // MONITOR is a little late, and trust runs out now and then
		mu.Lock()
		var lua, own []string
		for _, line := range reads[before:] {
			if strings.Contains(line, " lua]") {
				lua = append(lua, line)
			} else {
				own = append(own, line)
			}
		}
		mu.Unlock()
		if len(own) > 1 {
			t.Errorf("GET %s read Redis %d times: %q (and %d times within scripts)", path, len(own), own, len(lua))
		}
	}
}

// Three instances, one of which is lost for good: its journal is carried over
// from another machine.
func TestShared_OrphanedJournal(t *testing.T) {
	t.Parallel()
	top := on(t, 3)
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	s.drained()
	top.mongodb.Freeze() // so that the journals keep what comes now
	const views = 30
	for i := range views {
		b.view(fmt.Sprintf("%s/%d", productsPath, 1+i))
	}
	lost := s.others[1]
	lost.kill()
	top.mongodb.Thaw()
	s.others = s.others[:1]
	s.drained()
	if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n >= views+1 || n < views/2 {
		t.Errorf("without the lost instance's journal %d page views are stored", n)
	}
	env := environment(filepath.Join(t.TempDir(), "operator"))
	for _, e := range s.env {
		if strings.HasPrefix(e, "MONGODB_URI=") {
			env = append(env, e)
		}
	}
	if r := runWith(t, s.env, "drain", s.dataDir); r.code != 2 || !strings.Contains(r.errors, "in use") {
		t.Errorf("drain of a running instance: %d %s", r.code, r.errors)
	}
	for round := range 2 {
		r := runWith(t, env, "drain", "--json", lost.dataDir)
		var done struct{ Facts, Remaining int }
		if err := json.Unmarshal([]byte(r.out), &done); err != nil && round == 0 || r.code != 0 && round == 0 || done.Remaining != 0 {
			t.Fatalf("drain: %d %s%s", r.code, r.out, r.errors)
		}
		if n := s.count(`SELECT page_views FROM sessions WHERE session_id = ?`, b.session()); n != views+1 {
			t.Errorf("after drain number %d, %d page views are stored, want %d", round+1, n, views+1)
		}
	}
	if r := runWith(t, env, "drain", t.TempDir()); r.code != 2 || !strings.Contains(r.errors, "there is no journal in it") {
		t.Errorf("drain of an empty directory: %d %s", r.code, r.errors)
	}
}

// serve is the admin surface without the shop.
func TestShared_Serve(t *testing.T) {
	t.Parallel()
	on(t, 1)
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	s.drained()
	env := slices.DeleteFunc(slices.Clone(s.env), func(e string) bool { return strings.HasPrefix(e, "DATA_DIR=") })
	beside := &instance{t: t, dataDir: filepath.Join(t.TempDir(), "serve"), out: &output{}, errs: &output{}, command: "serve"}
	beside.env = append(env, "DATA_DIR="+beside.dataDir)
	t.Cleanup(beside.finish)
	beside.start()
	var stats struct{ Sessions, PageViews int }
	if code := beside.admin("GET", "/_footfall/api/stats", "", &stats); code != 200 || stats.Sessions != 1 || stats.PageViews != 1 {
		t.Errorf("serve: %d %+v", code, stats)
	}
	shop := &shop{instance: &instance{t: t}, url: beside.own}
	if a := shop.browser().get(productsPath); a.status != 404 {
		t.Errorf("serve sells: %d", a.status)
	}
	var revoked struct{ Revoked bool }
	if code := beside.admin("POST", "/_footfall/api/revoke", fmt.Sprintf(`{"sessionId":%q}`, b.session()), &revoked); code != 200 || !revoked.Revoked {
		t.Errorf("revoke through serve: %d %+v", code, revoked)
	}
	if got := b.asks(); got != nil {
		t.Errorf("after it was revoked elsewhere the session is %+v", got)
	}
	beside.stop(terminate)
}

// An instance of a later version has changed a session's record.
func TestShared_RollingUpgrade(t *testing.T) {
	t.Parallel()
	top := on(t, 1)
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	b.post(loginPath, firstCustomer).want(200)
	key := "session:" + b.session()
	time.Sleep(1500 * time.Millisecond) // what this instance holds is believed for a second
	change := func(from, to string) {
		t.Helper()
		eventually(t, "the record can be changed", func() (bool, string) {
			before := top.redis.Get(t, key)
			after := strings.Replace(before, from, to, 1)
			if before == after {
				return false, before
			}
			var record struct{ Version int64 }
			if err := json.Unmarshal([]byte(before), &record); err != nil {
				return false, err.Error()
			}
			after = strings.ReplaceAll(after, fmt.Sprint(record.Version), fmt.Sprint(record.Version+1))
			top.redis.Do(t, "SET", key, after, "KEEPTTL")
			return true, ""
		})
	}
	// A member that this version does not know survives its changes.
	change(`{"sessionId"`, `{"loyalty":{"points":7},"sessionId"`)
	b.post(cartPath, `{"productId":"7","quantity":2}`).want(200)
	if text := top.redis.Get(t, key); !strings.Contains(text, `"loyalty":{"points":7}`) || !strings.Contains(text, "cart") {
		t.Errorf("after a change by this version the record is %s", text)
	}
	// A record in a form that it does not know is left alone: nobody is logged out.
	time.Sleep(1500 * time.Millisecond)
	change(`"format":1`, `"format":2`)
	cookie := b.cookie("session")
	b.get(mePath).want(503)
	if a := b.view(productsPath); a.set("session") != "" || b.cookie("session") != cookie {
		t.Error("a record of a later version cost the visitor the cookie")
	}
	if !strings.Contains(top.redis.Get(t, key), `"format":2`) {
		t.Error("the record of a later version was overwritten")
	}
	change(`"format":2`, `"format":1`)
	b.get(mePath).want(200)
}

// doctor and /readyz say which part is in trouble, and what to do.
func TestShared_Doctor(t *testing.T) {
	t.Parallel()
	top := on(t, 1)
	s := openShop(t)
	if r := s.run("doctor"); r.code != 0 || !strings.Contains(r.out, "REDIS_URL") || !strings.Contains(r.out, "MONGODB_URI") || !strings.Contains(r.out, "Redis 7") {
		t.Errorf("doctor: %d\n%s%s", r.code, r.out, r.errors)
	}
	for name, o := range map[string]struct {
		begin, end func()
		part       string
	}{
		"REDIS_URL":   {top.redis.Stop, top.redis.Start, "hot"},
		"MONGODB_URI": {top.mongodb.Stop, top.mongodb.Start, "archive"},
	} {
		o.begin()
		r := s.run("doctor")
		lines := slices.DeleteFunc(strings.Split(r.out, "\n"), func(l string) bool { return !strings.Contains(l, name) })
		if r.code != 1 || len(lines) == 0 || !strings.Contains(lines[0], "WRONG") || !strings.Contains(r.out, "→") {
			t.Errorf("doctor without %s: %d\n%s%s", name, r.code, r.out, r.errors)
		}
		a := s.stranger().get("/readyz").want(503)
		var ready struct {
			Parts map[string]struct {
				OK    bool
				Error string
			}
		}
		if err := json.Unmarshal(a.body, &ready); err != nil || ready.Parts[o.part].OK || ready.Parts[o.part].Error == "" || !ready.Parts["journal"].OK {
			t.Errorf("/readyz without %s: %s", name, a.body)
		}
		if strings.Contains(string(a.body), cookieSecret) {
			t.Error("/readyz shows a secret")
		}
		s.stranger().get("/healthz").want(200)
		o.end()
	}
	eventually(t, "all is well again", func() (bool, string) {
		r := s.run("doctor")
		return r.code == 0, r.out
	})
	metrics := string(s.stranger().get("/metrics").want(200).body)
	for _, name := range []string{`footfall_part_up{part="hot"} 1`, `footfall_part_up{part="archive"} 1`, `footfall_part_breaker_open{part="hot"}`, "footfall_journal_pending_records", "footfall_hot_dropped_total 0", "footfall_events_unattributed_total 0"} {
		if !strings.Contains(metrics, name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
}

// Three instances, any of which serves any visitor.
func TestShared_ThreeInstances(t *testing.T) {
	t.Parallel()
	top := on(t, 3)
	s := openShop(t)
	b := s.browser()
	b.view(productsPath)
	const clients, each = 12, 20
	var wg sync.WaitGroup
	for i := range clients {
		c := s.stranger("Cookie: session=" + b.cookie("session") + "; visitor_id=" + b.cookie("visitor_id"))
		wg.Go(func() {
			for n := range each {
				if a, err := c.try("GET", fmt.Sprintf("%s/%d?m=%d-%d", productsPath, 1+n, i, n), ""); err != nil || a.status != 200 || len(a.header["Set-Cookie"]) > 0 {
					t.Errorf("page view: %v %v", err, a)
				}
			}
		})
	}
	wg.Wait()
	const want = 1 + clients*each
	eventuallyWithin(t, 5*time.Second, "Redis shows every page view", func() (bool, string) {
		var session sessionJSON
		text := top.redis.Get(t, "session:"+b.session())
		return json.Unmarshal([]byte(text), &session) == nil && session.PageViews == want, text
	})
	s.drained()
	if row := s.row(`SELECT page_views, (SELECT count(*) FROM session_events WHERE event_type = 'page_view'), (SELECT count(*) FROM sessions) FROM sessions`); strings.Join(row, " ") != fmt.Sprint(want, " ", want, " 1") {
		t.Errorf("page views, events and sessions are %v, want %d, %d and 1", row, want, want)
	}

	direct := func(p *instance, cookie string) *browser {
		return (&shop{instance: p, url: p.own}).stranger("Cookie: session=" + cookie)
	}
	old := b.cookie("session")
	b.post(loginPath, firstCustomer).want(200)
	cookie := b.cookie("session")
	for i, p := range s.all() {
		direct(p, cookie).get(mePath).want(200)
		if a := direct(p, old).get(mePath); a.status != 401 {
			t.Errorf("instance %d: the cookie from before the login is worth %d", i, a.status)
		}
	}
	b.post(logoutPath, "").want(200)
	for i, p := range s.all() {
		if a := direct(p, cookie).get(mePath); a.status != 401 {
			t.Errorf("instance %d: after the logout, the next request is %d", i, a.status)
		}
	}
	b.post(loginPath, firstCustomer).want(200)
	cookie = b.cookie("session")
	for _, p := range s.all() {
		direct(p, cookie).get(mePath).want(200)
	}
	if code := s.others[1].admin("POST", "/_footfall/api/revoke", `{"customerId":"cust_1"}`, nil); code != 200 {
		t.Fatalf("revoke: %d", code)
	}
	for i, p := range s.all() {
		if a := direct(p, cookie).get(mePath); a.status != 401 {
			t.Errorf("instance %d: after the customer was revoked, the next request is %d", i, a.status)
		}
	}
}
