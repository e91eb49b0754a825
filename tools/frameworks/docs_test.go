package frameworks

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	fiber2 "github.com/gofiber/fiber/v2"
	recover2 "github.com/gofiber/fiber/v2/middleware/recover"
	fiber3 "github.com/gofiber/fiber/v3"
	recover3 "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gorilla/mux"
	echo4 "github.com/labstack/echo/v4"
	middleware4 "github.com/labstack/echo/v4/middleware"
	echo5 "github.com/labstack/echo/v5"
	middleware5 "github.com/labstack/echo/v5/middleware"

	"github.com/footfall-go/footfall"
)

// What follows is what docs/integrations.md quotes.

func product(w http.ResponseWriter, r *http.Request) { w.Write([]byte("a product")) }
func account(w http.ResponseWriter, r *http.Request) { w.Write([]byte("an account")) }
func stock(w http.ResponseWriter, r *http.Request)   { w.Write([]byte("3")) }

func login(tracker *footfall.Tracker) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := tracker.Login(r.Context(), "customer-17", time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

func stdShop(tracker *footfall.Tracker) http.Handler {
	router := http.NewServeMux()
	router.HandleFunc("GET /product", product)
	router.HandleFunc("POST /login", login(tracker))
	router.Handle("GET /account", tracker.RequireCustomer(http.HandlerFunc(account)))
	router.Handle("GET /stock", tracker.Uncounted(http.HandlerFunc(stock)))
	return tracker.Handler(router)
}

func chiShop(tracker *footfall.Tracker) http.Handler {
	router := chi.NewRouter()
	router.Use(middleware.Recoverer, tracker.Handler)
	router.Get("/product", product)
	router.Post("/login", login(tracker))
	router.With(tracker.RequireCustomer).Get("/account", account)
	router.With(tracker.Uncounted).Get("/stock", stock)
	return router
}

func gorillaShop(tracker *footfall.Tracker) http.Handler {
	router := mux.NewRouter()
	router.HandleFunc("/product", product).Methods("GET")
	router.HandleFunc("/login", login(tracker)).Methods("POST")
	router.Handle("/account", tracker.RequireCustomer(http.HandlerFunc(account))).Methods("GET")
	router.Handle("/stock", tracker.Uncounted(http.HandlerFunc(stock))).Methods("GET")
	return tracker.Handler(router)
}

func ginShop(tracker *footfall.Tracker) http.Handler {
	engine := gin.New()
	engine.Use(gin.Recovery())
	engine.GET("/product", func(c *gin.Context) { c.String(200, "a product") })
	engine.POST("/login", func(c *gin.Context) {
		if err := tracker.Login(c.Request.Context(), "customer-17", time.Now()); err != nil {
			c.AbortWithStatus(http.StatusServiceUnavailable)
		}
	})
	engine.GET("/account", Gin(tracker.RequireCustomer), func(c *gin.Context) { c.String(200, "an account") })
	engine.GET("/stock", Gin(tracker.Uncounted), func(c *gin.Context) { c.String(200, "3") })
	return tracker.Handler(engine) // for http.ListenAndServe, in place of engine.Run
}

func echo4Shop(tracker *footfall.Tracker) http.Handler {
	e := echo4.New()
	e.Use(middleware4.Recover())
	e.GET("/product", func(c echo4.Context) error { return c.String(200, "a product") })
	e.POST("/login", func(c echo4.Context) error {
		if err := tracker.Login(c.Request().Context(), "customer-17", time.Now()); err != nil {
			return echo4.ErrServiceUnavailable
		}
		return c.NoContent(204)
	})
	e.GET("/account", func(c echo4.Context) error { return c.String(200, "an account") }, echo4.WrapMiddleware(tracker.RequireCustomer))
	e.GET("/stock", func(c echo4.Context) error { return c.String(200, "3") }, echo4.WrapMiddleware(tracker.Uncounted))
	return tracker.Handler(e) // for http.ListenAndServe, in place of e.Start
}

func echo5Shop(tracker *footfall.Tracker) http.Handler {
	e := echo5.New()
	e.Use(middleware5.Recover())
	e.GET("/product", func(c *echo5.Context) error { return c.String(200, "a product") })
	e.POST("/login", func(c *echo5.Context) error {
		if err := tracker.Login(c.Request().Context(), "customer-17", time.Now()); err != nil {
			return echo5.ErrServiceUnavailable
		}
		return c.NoContent(204)
	})
	e.GET("/account", func(c *echo5.Context) error { return c.String(200, "an account") }, echo5.WrapMiddleware(tracker.RequireCustomer))
	e.GET("/stock", func(c *echo5.Context) error { return c.String(200, "3") }, echo5.WrapMiddleware(tracker.Uncounted))
	return tracker.Handler(e) // for http.ListenAndServe, in place of e.Start
}

func fiber2Shop(tracker *footfall.Tracker) *fiber2.App {
	app := fiber2.New(fiber2.Config{DisableStartupMessage: true})
	app.Use(recover2.New(), Fiber2(tracker.Handler))
	app.Get("/product", func(c *fiber2.Ctx) error { return c.SendString("a product") })
	app.Post("/login", func(c *fiber2.Ctx) error {
		if err := tracker.Login(c.UserContext(), "customer-17", time.Now()); err != nil {
			return fiber2.ErrServiceUnavailable
		}
		return c.SendStatus(204)
	})
	app.Get("/account", Fiber2(tracker.RequireCustomer), func(c *fiber2.Ctx) error { return c.SendString("an account") })
	app.Get("/stock", Fiber2(tracker.Uncounted), func(c *fiber2.Ctx) error { return c.SendString("3") })
	return app
}

func fiber3Shop(tracker *footfall.Tracker) *fiber3.App {
	app := fiber3.New()
	app.Use(recover3.New(), Fiber3(tracker.Handler))
	app.Get("/product", func(c fiber3.Ctx) error { return c.SendString("a product") })
	app.Post("/login", func(c fiber3.Ctx) error {
		if err := tracker.Login(c.Context(), "customer-17", time.Now()); err != nil {
			return fiber3.ErrServiceUnavailable
		}
		return c.SendStatus(204)
	})
	app.Get("/account", Fiber3(tracker.RequireCustomer), func(c fiber3.Ctx) error { return c.SendString("an account") })
	app.Get("/stock", Fiber3(tracker.Uncounted), func(c fiber3.Ctx) error { return c.SendString("3") })
	return app
}

func documented() []setup {
	of := func(name string, shop func(*footfall.Tracker) http.Handler) setup {
		return setup{name: name, handler: func(s site) http.Handler { return shop(s.Tracker) }}
	}
	return []setup{
		of("net/http", stdShop), of("chi", chiShop), of("gorilla/mux", gorillaShop), of("gin", ginShop), of("echo v4", echo4Shop), of("echo v5", echo5Shop),
		{name: "fiber v2", listen: func(s site, ln net.Listener) func() error { return listen2(fiber2Shop(s.Tracker), ln) }},
		{name: "fiber v3", listen: func(s site, ln net.Listener) func() error { return listen3(fiber3Shop(s.Tracker), ln) }},
	}
}

func TestWhatTheDocsQuoteWorks(t *testing.T) {
	eachOf(t, documented(), func(t *testing.T, _ setup, sh *shop) {
		v := sh.visitor()
		if a := v.get("/nowhere"); a.status != 404 || len(a.sets()) > 0 {
			t.Errorf("an unknown page is answered %d and sets %q", a.status, a.sets())
		}
		for _, page := range []struct {
			method, path string
			status       int
			text         string
		}{
			{"GET", "/product", 200, "a product"}, {"GET", "/account", 401, ""}, {"POST", "/login", 0, ""},
			{"GET", "/account", 200, "an account"}, {"GET", "/stock", 200, "3"},
		} {
			a := v.do(page.method, page.path)
			if page.status != 0 && a.status != page.status || page.text != "" && a.text != page.text || a.status >= 500 {
				t.Errorf("%s %s is answered %d %q, want %d %q", page.method, page.path, a.status, a.text, page.status, page.text)
			}
		}
		sh.wants("a product and an account of one visitor", counted{1, 2})
	})
}

func TestTheDocsQuoteThisModule(t *testing.T) {
	var own strings.Builder
	for _, name := range []string{"docs_test.go", "gin.go", "fiber2.go", "fiber3.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		own.WriteString(strings.Join(strings.Fields(string(b)), " "))
	}
	b, err := os.ReadFile("../../docs/integrations.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(b), "```go\n")[1:]
	if len(blocks) == 0 {
		t.Error("docs/integrations.md quotes nothing")
	}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if !strings.Contains(own.String(), strings.Join(strings.Fields(block), " ")) {
			t.Errorf("docs/integrations.md quotes what is not in this module, so nothing tests it:\n%s", block)
		}
	}
}
