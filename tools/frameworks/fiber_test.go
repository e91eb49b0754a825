package frameworks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	fiber2 "github.com/gofiber/fiber/v2"
	adaptor2 "github.com/gofiber/fiber/v2/middleware/adaptor"
	recover2 "github.com/gofiber/fiber/v2/middleware/recover"
	fiber3 "github.com/gofiber/fiber/v3"
	adaptor3 "github.com/gofiber/fiber/v3/middleware/adaptor"
	recover3 "github.com/gofiber/fiber/v3/middleware/recover"
)

func fiberSetups() []setup {
	return []setup{
		{name: "fiber v2 Use(Fiber2(tracker.Handler))", listen: func(s site, ln net.Listener) func() error {
			return listen2(fiberV2(s, recover2.New(), Fiber2(s.handler)), ln)
		}},
		{name: "fiber v2 Use(Fiber2(tracker.Handler)), recovery inside", listen: func(s site, ln net.Listener) func() error {
			return listen2(fiberV2(s, Fiber2(s.handler), recover2.New()), ln)
		}},
		{name: "fiber v2 FiberApp in tracker.Handler", noContext: true, handler: func(s site) http.Handler {
			return s.handler(adaptor2.FiberApp(fiberV2(s, recover2.New())))
		}},
		{name: "fiber v2 Fiber2 in FiberApp", handler: func(s site) http.Handler {
			return adaptor2.FiberApp(fiberV2(s, recover2.New(), Fiber2(s.handler)))
		}},
		{name: "fiber v3 Use(Fiber3(tracker.Handler))", listen: func(s site, ln net.Listener) func() error {
			return listen3(fiberV3(s, recover3.New(), Fiber3(s.handler)), ln)
		}},
		{name: "fiber v3 Use(Fiber3(tracker.Handler)), recovery inside", listen: func(s site, ln net.Listener) func() error {
			return listen3(fiberV3(s, Fiber3(s.handler), recover3.New()), ln)
		}},
		{name: "fiber v3 FiberApp in tracker.Handler", noContext: true, handler: func(s site) http.Handler {
			return s.handler(adaptor3.FiberApp(fiberV3(s, recover3.New())))
		}},
		{name: "fiber v3 Fiber3 in FiberApp", handler: func(s site) http.Handler {
			return adaptor3.FiberApp(fiberV3(s, recover3.New(), Fiber3(s.handler)))
		}},
	}
}

func listen2(app *fiber2.App, ln net.Listener) func() error {
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(ln) }()
	return func() error { return errors.Join(app.ShutdownWithTimeout(10*time.Second), <-ended) }
}

func listen3(app *fiber3.App, ln net.Listener) func() error {
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(ln, fiber3.ListenConfig{DisableStartupMessage: true}) }()
	return func() error { return errors.Join(app.ShutdownWithTimeout(10*time.Second), <-ended) }
}

func fiberV2(s site, use ...fiber2.Handler) *fiber2.App {
	app := fiber2.New(fiber2.Config{DisableStartupMessage: true})
	for _, h := range use {
		app.Use(h)
	}
	within := fiber2.New()
	within.Use(Fiber2(s.handler))
	for _, routes := range []*fiber2.App{app, within} {
		say := func(what func(ctx context.Context) string) fiber2.Handler {
			return func(c *fiber2.Ctx) error { return c.SendString(what(c.UserContext())) }
		}
		page := say(func(context.Context) string { return "a page" })
		routes.Get("/page", page)
		routes.Get("/empty", func(*fiber2.Ctx) error { return nil })
		routes.Get("/missing", func(*fiber2.Ctx) error { return fiber2.ErrNotFound })
		routes.Get("/broken", func(*fiber2.Ctx) error { return errors.New("broken") })
		routes.Get("/panic", func(*fiber2.Ctx) error { panic("a handler's mistake") })
		routes.Post("/login", say(s.login))
		routes.Post("/login-and-fail", func(c *fiber2.Ctx) error { s.login(c.UserContext()); return errors.New("broken") })
		routes.Post("/event", say(s.track))
		routes.Get("/whoami", say(s.whoami))
		routes.Get("/session", say(s.session))
		if s.Tracker != nil {
			routes.Get("/account", Fiber2(s.RequireCustomer), page)
			routes.Get("/quiet", Fiber2(s.Uncounted), page)
		}
	}
	app.Mount("/mounted", within)
	return app
}

func fiberV3(s site, use ...fiber3.Handler) *fiber3.App {
	app := fiber3.New()
	for _, h := range use {
		app.Use(h)
	}
	within := fiber3.New()
	within.Use(Fiber3(s.handler))
	for _, routes := range []*fiber3.App{app, within} {
		say := func(what func(ctx context.Context) string) fiber3.Handler {
			return func(c fiber3.Ctx) error { return c.SendString(what(c.Context())) }
		}
		page := say(func(context.Context) string { return "a page" })
		routes.Get("/page", page)
		routes.Get("/empty", func(fiber3.Ctx) error { return nil })
		routes.Get("/missing", func(fiber3.Ctx) error { return fiber3.ErrNotFound })
		routes.Get("/broken", func(fiber3.Ctx) error { return errors.New("broken") })
		routes.Get("/panic", func(fiber3.Ctx) error { panic("a handler's mistake") })
		routes.Post("/login", say(s.login))
		routes.Post("/login-and-fail", func(c fiber3.Ctx) error { s.login(c.Context()); return errors.New("broken") })
		routes.Post("/event", say(s.track))
		routes.Get("/whoami", say(s.whoami))
		routes.Get("/session", say(s.session))
		if s.Tracker != nil {
			routes.Get("/account", Fiber3(s.RequireCustomer), page)
			routes.Get("/quiet", Fiber3(s.Uncounted), page)
		}
	}
	app.Use("/mounted", within)
	return app
}
