package frameworks

import (
	"bufio"
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	fiber2 "github.com/gofiber/fiber/v2"
	adaptor2 "github.com/gofiber/fiber/v2/middleware/adaptor"
	fiber3 "github.com/gofiber/fiber/v3"
	adaptor3 "github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// adapted are apps under fiber's own adaptor. It runs the rest of the chain when the net/http
// middleware has returned.
func adapted() []setup {
	return []setup{
		{name: "fiber v2 HTTPMiddleware", listen: func(s site, ln net.Listener) func() error {
			app := fiber2.New(fiber2.Config{DisableStartupMessage: true})
			app.Use(adaptor2.HTTPMiddleware(s.handler))
			say := func(what func(context.Context) string) fiber2.Handler {
				return func(c *fiber2.Ctx) error { return c.SendString(what(c.Context())) }
			}
			app.Get("/page", say(func(context.Context) string { return "a page" }))
			app.Get("/session", say(s.session))
			app.Post("/event", say(s.track))
			app.Post("/login", say(s.login))
			return listen2(app, ln)
		}},
		{name: "fiber v3 HTTPMiddleware", listen: func(s site, ln net.Listener) func() error {
			app := fiber3.New()
			app.Use(adaptor3.HTTPMiddleware(s.handler))
			say := func(what func(context.Context) string) fiber3.Handler {
				return func(c fiber3.Ctx) error { return c.SendString(what(c)) }
			}
			app.Get("/page", say(func(context.Context) string { return "a page" }))
			app.Get("/session", say(s.session))
			app.Post("/event", say(s.track))
			app.Post("/login", say(s.login))
			return listen3(app, ln)
		}},
	}
}

func TestUnderFibersAdaptorTheTrackerFindsTheRequest(t *testing.T) {
	eachOf(t, adapted(), func(t *testing.T, _ setup, sh *shop) {
		v := sh.visitor()
		v.get("/page")
		if a := v.get("/session"); a.text == "none" {
			t.Errorf("FromContext finds no session in a handler behind adaptor.HTTPMiddleware(tracker.Handler)")
		}
		if a := v.post("/event"); a.text != "ok" {
			t.Errorf("Track in a handler behind adaptor.HTTPMiddleware(tracker.Handler) says %q", a.text)
		}
		if a := v.post("/login"); a.text == footfall.ErrNoRequest.Error() {
			t.Errorf("Login in a handler behind adaptor.HTTPMiddleware(tracker.Handler) says %q, though the answer had begun", a.text)
		}
	})
}

// fasthttp uses the memory of a request again for the next request of the same connection.
func TestASessionKeepsWhatItBeganWithWhenFasthttpUsesItsMemoryAgain(t *testing.T) {
	eachOf(t, append(fiberSetups(), adapted()...), func(t *testing.T, _ setup, sh *shop) {
		first := sh.visitor()
		first.get("/page?the=first")
		for range 20 { // others, on the same connection, whose requests are as long
			other := sh.visitor()
			other.agent = strings.Repeat("Z", len(stage.Firefox))
			other.get("/zzzz?zzz=zzzzz")
		}
		session := first.held()
		if session.UserAgent != stage.Firefox || session.LandingPage != "/page?the=first" {
			t.Errorf("a session that began with the user agent %q on /page?the=first now has %q on %q: those of another request", stage.Firefox, session.UserAgent, session.LandingPage)
		}
		if a := first.get("/page"); len(a.sets()) > 0 {
			t.Errorf("the first visitor's next page sets the cookies %q again", a.sets())
		}
	})
}

func TestFibersOwnHeadersAndStreamsGoWithTheTrackersCookies(t *testing.T) {
	stream := func(w *bufio.Writer) {
		for range 3 {
			w.WriteString("part ")
			w.Flush()
		}
	}
	eachOf(t, []setup{
		{name: "fiber v2", listen: func(s site, ln net.Listener) func() error {
			app := fiber2.New(fiber2.Config{DisableStartupMessage: true})
			app.Use(Fiber2(s.handler))
			app.Get("/page", func(c *fiber2.Ctx) error {
				c.Cookie(&fiber2.Cookie{Name: "basket", Value: "17"})
				c.Set("Cache-Control", "public, max-age=60")
				c.Set("Vary", "Accept-Language")
				c.Context().SetBodyStreamWriter(stream)
				return nil
			})
			return listen2(app, ln)
		}},
		{name: "fiber v3", listen: func(s site, ln net.Listener) func() error {
			app := fiber3.New()
			app.Use(Fiber3(s.handler))
			app.Get("/page", func(c fiber3.Ctx) error {
				c.Cookie(&fiber3.Cookie{Name: "basket", Value: "17"})
				c.Set("Cache-Control", "public, max-age=60")
				c.Set("Vary", "Accept-Language")
				return c.SendStreamWriter(stream)
			})
			return listen3(app, ln)
		}},
	}, func(t *testing.T, _ setup, sh *shop) {
		a := sh.visitor().get("/page")
		if got := a.sets(); a.text != "part part part" || len(got) != 3 || !slices.Contains(got, "basket") {
			t.Errorf("the page is answered %q and sets the cookies %q, want three parts, the tracker's two cookies and the shop's", a.text, got)
		}
		if cache, vary := a.header.Values("Cache-Control"), strings.Join(a.header.Values("Vary"), ", "); !slices.Equal(cache, []string{"private, no-store"}) || !strings.Contains(vary, "Accept-Language") || !strings.Contains(vary, "Cookie") {
			t.Errorf("the page has Cache-Control %q and Vary %q, want one that keeps it out of caches, and both fields", cache, vary)
		}
		sh.wants("a page that streams", counted{1, 1})
	})
}
