package scenarios_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/stage"
)

// A planted record: what stands in the hot store instead of a session's record.
type planted struct {
	whole   string         // the document, whatever the record was
	members map[string]any // or these members of it, in place of its own; nil removes one
	version int64          // what the store calls its version, in place of the record's
}

// plant replaces a session's record in the hot store.
func plant(t *testing.T, f *stage.Fleet, id string, p planted) {
	t.Helper()
	ctx := context.Background()
	doc, version, _, err := f.Store.Read(ctx, id)
	if err != nil || doc == nil {
		t.Fatalf("the hot store has no session %s: %v", id, err)
	}
	if p.members != nil {
		var all map[string]any
		if err := json.Unmarshal(doc, &all); err != nil {
			t.Fatal(err)
		}
		for name, value := range p.members {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
		if doc, err = json.Marshal(all); err != nil {
			t.Fatal(err)
		}
	} else {
		doc = []byte(p.whole)
	}
	if p.version != 0 {
		version = p.version
	}
	if err := f.Store.Delete(ctx, id); err != nil {
		t.Fatal(err)
	}
	if stored, err := f.Store.Put(ctx, id, "s", doc, 0, version, time.Hour); err != nil || !stored {
		t.Fatal(stored, err)
	}
}

// A corrupt record in the hot store is no record: the archive is asked, on each
// instance, also on one that holds the session in memory.
func TestCorruptRecord_AsksTheArchive(t *testing.T) {
	t.Parallel()
	const other = "01970000-0000-7000-8000-000000000001"
	for name, p := range map[string]planted{
		"an empty object":                    {whole: `{}`},
		"null":                               {whole: `null`},
		"no bytes":                           {whole: ``},
		"a list":                             {whole: `[]`},
		"cut off":                            {whole: `{"sessionId":"01970000`},
		"without a start":                    {members: map[string]any{"startedAt": nil}},
		"started years after its id":         {members: map[string]any{"startedAt": "2099-01-01T00:00:00.000Z", "lastSeenAt": "2099-01-01T00:00:00.000Z"}},
		"without a time of the last request": {members: map[string]any{"lastSeenAt": nil}},
		"last seen in the year 1":            {members: map[string]any{"lastSeenAt": "0001-01-02T00:00:00.000Z"}},
		"last seen in 2099":                  {members: map[string]any{"lastSeenAt": "2099-01-01T00:00:00.000Z"}},
		"logged in in 2099":                  {members: map[string]any{"authenticatedAt": "2099-01-01T00:00:00.000Z"}},
		"a start that is a number":           {members: map[string]any{"startedAt": 5}},
		"a customer who is a number":         {members: map[string]any{"customerId": 5}},
		"a version that is a text":           {members: map[string]any{"version": "5"}},
		"another version than the record":    {members: map[string]any{"version": 5}},
		"a negative version":                 {members: map[string]any{"version": -5}, version: -5},
		"version 0":                          {members: map[string]any{"version": nil}, version: -1},
		"the id of another session":          {members: map[string]any{"sessionId": other}},
		"without an id":                      {members: map[string]any{"sessionId": nil}},
		"without a visitor":                  {members: map[string]any{"visitorId": nil}},
		"a visitor who is none":              {members: map[string]any{"visitorId": "../../etc"}},
		"without a secret":                   {members: map[string]any{"secretHash": nil}},
		"a secret that is too short":         {members: map[string]any{"secretHash": "AAAA"}},
		"without a series":                   {members: map[string]any{"series": nil}},
		"a series that no store takes":       {members: map[string]any{"series": "a b"}},
		"negative page views":                {members: map[string]any{"pageViews": -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := stage.NewFleet(t, 2)
			b := stage.NewBrowser(t, f.Sites[0])
			if got := stage.Text(t, b.Do("POST", "/login/alice")); got != "ok" {
				t.Fatal(got)
			}
			f.Settle()
			id, cookie := stage.SessionOf(t, b), b.Cookie("session")
			for i, s := range f.Instances {
				plant(t, f, id, p)
				resp := f.On(i, b, "GET", "/me")
				if resp.StatusCode != http.StatusOK || b.Cookie("session") != cookie {
					t.Errorf("instance %d answers a customer whose record is damaged with %d and the cookies %v: it has to ask the archive", i, resp.StatusCode, resp.Cookies())
				}
				if s.Count("corrupt_records") != 1 {
					t.Errorf("instance %d counts %d corrupt records, want 1", i, s.Count("corrupt_records"))
				}
				if got := stage.Status(f.On(1-i, b, "GET", "/me")); got != http.StatusOK {
					t.Errorf("instance %d answers %d after instance %d has put the record back", 1-i, got, i)
				}
			}
			if got := stage.Text(t, b.Do("POST", "/logout")); got != "ok" {
				t.Errorf("a logout after the record was put back: %s", got)
			}
		})
	}
}

// A record that cannot be decoded does not keep a session from ending.
func TestCorruptRecord_DoesNotStopALogout(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, f.Sites[0])
	b.Do("POST", "/login/alice")
	f.Settle()
	thief := b.With(b.Cookie("session"))
	plant(t, f, stage.SessionOf(t, b), planted{whole: `{}`, version: -1})
	if got := stage.Text(t, b.Do("POST", "/logout")); got != "ok" {
		t.Fatal(got)
	}
	for i := range f.Instances {
		if got := stage.Status(f.On(i, thief, "GET", "/me")); got != http.StatusUnauthorized {
			t.Errorf("instance %d answers %d to the cookie of a session that was logged out", i, got)
		}
	}
}

// What a newer version wrote cannot be known: it is neither ended nor deleted, even
// if its members have other types.
func TestNewerRecord_CannotBeKnown(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]planted{
		"the same members": {members: map[string]any{"format": 2}},
		"other types":      {members: map[string]any{"format": 7, "startedAt": 1790000000, "version": map[string]any{"of": 3}}},
		"other members":    {whole: `{"format":2,"who":"alice"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := stage.NewFleet(t, 2)
			b := stage.NewBrowser(t, f.Sites[0])
			b.Do("POST", "/login/alice")
			f.Settle()
			id, cookie := stage.SessionOf(t, b), b.Cookie("session")
			plant(t, f, id, p)
			before, _, _, _ := f.Store.Read(context.Background(), id)
			for i := range f.Instances {
				resp := f.On(i, b, "GET", "/me")
				if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
					t.Errorf("instance %d answers %d (Retry-After %q): it cannot know whose record it is", i, resp.StatusCode, resp.Header.Get("Retry-After"))
				}
				page := f.On(i, b, "GET", "/")
				if page.StatusCode != http.StatusOK || len(page.Cookies()) != 0 || b.Cookie("session") != cookie {
					t.Errorf("instance %d answers a page with %d and the cookies %v: no cookie is minted or cleared", i, page.StatusCode, page.Cookies())
				}
			}
			if after, _, _, err := f.Store.Read(context.Background(), id); err != nil || string(after) != string(before) {
				t.Errorf("the record is %s, %v; it was %s: what a newer version wrote is left alone", after, err, before)
			}
		})
	}
}

// Members that this version does not know survive each rewrite of a record.
func TestUnknownMembers_SurviveRewrites(t *testing.T) {
	t.Parallel()
	f := stage.NewFleet(t, 2)
	b := stage.NewBrowser(t, f.Sites[0])
	b.Do("GET", "/")
	f.Settle()
	id := stage.SessionOf(t, b)
	b.Handler = f.Sites[1] // which holds nothing of it
	plant(t, f, id, planted{members: map[string]any{"shoeSize": map[string]any{"eu": 43}}})
	for _, path := range []string{"/value/a/1", "/login/alice", "/value/b/2", "/logout"} {
		if got := stage.Text(t, b.Do("POST", path)); got != "ok" {
			t.Fatalf("%s: %s", path, got)
		}
		doc, _, _, err := f.Store.Read(context.Background(), id)
		var d struct{ ShoeSize struct{ EU int } }
		if err != nil || json.Unmarshal(doc, &d) != nil || d.ShoeSize.EU != 43 {
			t.Errorf("after POST %s the record is %s, %v: a member of another version is lost", path, doc, err)
		}
	}
}
