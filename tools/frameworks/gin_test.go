package frameworks

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/footfall-go/footfall"
)

func init() { gin.SetMode(gin.ReleaseMode) } // it prints each route otherwise

func ginSetups() []setup {
	return []setup{
		{name: "gin outside", handler: func(s site) http.Handler { return s.handler(ginEngine(s, ginRecovery())) }},
		{name: "gin Use(Gin(tracker.Handler))", handler: func(s site) http.Handler { return ginEngine(s, ginRecovery(), Gin(s.handler)) }},
		{name: "gin Use(Gin(tracker.Handler)), recovery inside", handler: func(s site) http.Handler { return ginEngine(s, Gin(s.handler), ginRecovery()) }},
	}
}

func ginRecovery() gin.HandlerFunc { return gin.RecoveryWithWriter(io.Discard) }

func ginEngine(s site, use ...gin.HandlerFunc) *gin.Engine {
	engine := gin.New()
	engine.Use(use...)
	for _, routes := range []gin.IRoutes{engine, engine.Group("/mounted", Gin(s.handler))} {
		say := func(what func(c *gin.Context) string) gin.HandlerFunc {
			return func(c *gin.Context) { c.String(200, what(c)) }
		}
		page := say(func(*gin.Context) string { return "a page" })
		routes.GET("/page", page)
		routes.GET("/empty", func(*gin.Context) {})
		routes.GET("/missing", func(c *gin.Context) { _ = c.AbortWithError(404, errors.New("missing")) })
		routes.GET("/broken", func(c *gin.Context) { c.Status(500) }) // written when every handler has returned
		routes.GET("/panic", func(*gin.Context) { panic("a handler's mistake") })
		routes.POST("/login", say(func(c *gin.Context) string { return s.login(c.Request.Context()) }))
		routes.POST("/login-and-fail", func(c *gin.Context) { s.login(c.Request.Context()); c.Status(500) })
		routes.POST("/event", say(func(c *gin.Context) string { return s.track(c.Request.Context()) }))
		routes.GET("/whoami", say(func(c *gin.Context) string { return s.whoami(c.Request.Context()) }))
		routes.GET("/session", say(func(c *gin.Context) string { return s.session(c.Request.Context()) }))
		if s.Tracker != nil {
			routes.GET("/account", Gin(s.RequireCustomer), page)
			routes.GET("/quiet", Gin(s.Uncounted), page)
		}
		routes.GET("/probe", func(c *gin.Context) { probe(c.Writer, c.Request) })
		routes.GET("/stream", func(c *gin.Context) {
			n := 0
			c.Stream(func(w io.Writer) bool {
				n++
				io.WriteString(w, "part ")
				return n < 3
			})
		})
		routes.GET("/sse", func(c *gin.Context) {
			n := 0
			c.Stream(func(io.Writer) bool {
				n++
				c.SSEvent("message", n)
				return n < 3
			})
		})
	}
	return engine
}

// A gin.Context is a context, too, but finds what its request's has only if its engine says so.
func TestAGinContextFindsTheRequestIfItsEngineFallsBack(t *testing.T) {
	for _, fallsBack := range []bool{false, true} {
		su := setup{handler: func(s site) http.Handler {
			engine := gin.New()
			engine.ContextWithFallback = fallsBack
			engine.GET("/whoami", func(c *gin.Context) { c.String(200, s.whoami(c)) })
			return s.handler(engine)
		}}
		want := "customer:"
		if !fallsBack {
			want = footfall.ErrNoRequest.Error()
		}
		if a := su.open(t).visitor().get("/whoami"); a.text != want {
			t.Errorf("with ContextWithFallback %v a gin.Context is answered %q, want %q", fallsBack, a.text, want)
		}
	}
}

// shortGin is what a middleware of gin is often made of. Handlers write to gin's writer, past that
// of the net/http middleware.
func shortGin(middleware func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed = true
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

func TestAShortMiddlewareOfGinIsEnoughWithinTheTracker(t *testing.T) {
	su := setup{handler: func(s site) http.Handler {
		engine := gin.New()
		engine.GET("/account", shortGin(s.RequireCustomer), func(c *gin.Context) { c.String(200, "an account") })
		engine.GET("/stock", shortGin(s.Uncounted), func(c *gin.Context) { c.String(200, "3") })
		return s.handler(engine)
	}}
	sh := su.open(t)
	v := sh.visitor()
	if a := v.get("/account"); a.status != 401 || strings.Contains(a.text, "an account") {
		t.Errorf("RequireCustomer answers a stranger %d %q, want 401 and nothing of the page", a.status, a.text)
	}
	if a := v.get("/stock"); a.status != 200 || len(a.sets()) != 2 {
		t.Errorf("under Uncounted the page is answered %d and sets %q, want two cookies", a.status, a.sets())
	}
	sh.wants("a page under Uncounted", counted{1, 0})
}
