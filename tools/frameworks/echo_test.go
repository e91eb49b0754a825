package frameworks

import (
	"errors"
	"io"
	"log/slog"
	"net/http"

	echo4 "github.com/labstack/echo/v4"
	middleware4 "github.com/labstack/echo/v4/middleware"
	echo5 "github.com/labstack/echo/v5"
	middleware5 "github.com/labstack/echo/v5/middleware"
)

func echoSetups() []setup {
	return []setup{
		{name: "echo v4 outside", handler: func(s site) http.Handler { return s.handler(echoV4(s, middleware4.Recover())) }},
		{name: "echo v4 Use(WrapMiddleware)", handler: func(s site) http.Handler {
			return echoV4(s, middleware4.Recover(), echo4.WrapMiddleware(s.handler))
		}},
		{name: "echo v4 Use(WrapMiddleware), recovery inside", handler: func(s site) http.Handler {
			return echoV4(s, echo4.WrapMiddleware(s.handler), middleware4.Recover())
		}},
		{name: "echo v4 Use(WrapMiddleware), Gzip inside", handler: func(s site) http.Handler {
			return echoV4(s, middleware4.Recover(), echo4.WrapMiddleware(s.handler), middleware4.Gzip())
		}},
		{name: "echo v4 Use(WrapMiddleware), Gzip outside", handler: func(s site) http.Handler {
			return echoV4(s, middleware4.Recover(), middleware4.Gzip(), echo4.WrapMiddleware(s.handler))
		}},
		{name: "echo v4 Pre(WrapMiddleware)", handler: func(s site) http.Handler {
			e := echoV4(s, middleware4.Recover())
			e.Pre(echo4.WrapMiddleware(s.handler))
			return e
		}},
		{name: "echo v5 outside", handler: func(s site) http.Handler { return s.handler(echoV5(s, middleware5.Recover())) }},
		{name: "echo v5 Use(WrapMiddleware)", handler: func(s site) http.Handler {
			return echoV5(s, middleware5.Recover(), echo5.WrapMiddleware(s.handler))
		}},
		{name: "echo v5 Use(WrapMiddleware), recovery inside", handler: func(s site) http.Handler {
			return echoV5(s, echo5.WrapMiddleware(s.handler), middleware5.Recover())
		}},
	}
}

func echoV4(s site, use ...echo4.MiddlewareFunc) *echo4.Echo {
	e := echo4.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(use...)
	for _, routes := range []*echo4.Group{e.Group(""), e.Group("/mounted", echo4.WrapMiddleware(s.handler))} {
		say := func(what func(c echo4.Context) string) echo4.HandlerFunc {
			return func(c echo4.Context) error { return c.String(200, what(c)) }
		}
		page := say(func(echo4.Context) string { return "a page" })
		routes.GET("/page", page)
		routes.GET("/empty", func(echo4.Context) error { return nil })
		routes.GET("/missing", func(echo4.Context) error { return echo4.ErrNotFound })
		routes.GET("/broken", func(echo4.Context) error { return errors.New("broken") })
		routes.GET("/panic", func(echo4.Context) error { panic("a handler's mistake") })
		routes.POST("/login", say(func(c echo4.Context) string { return s.login(c.Request().Context()) }))
		routes.POST("/login-and-fail", func(c echo4.Context) error { s.login(c.Request().Context()); return errors.New("broken") })
		routes.POST("/event", say(func(c echo4.Context) string { return s.track(c.Request().Context()) }))
		routes.GET("/whoami", say(func(c echo4.Context) string { return s.whoami(c.Request().Context()) }))
		routes.GET("/session", say(func(c echo4.Context) string { return s.session(c.Request().Context()) }))
		if s.Tracker != nil {
			routes.GET("/account", page, echo4.WrapMiddleware(s.RequireCustomer))
			routes.GET("/quiet", page, echo4.WrapMiddleware(s.Uncounted))
		}
		routes.GET("/probe", func(c echo4.Context) error { probe(c.Response(), c.Request()); return nil })
	}
	return e
}

func echoV5(s site, use ...echo5.MiddlewareFunc) *echo5.Echo {
	e := echo5.New()
	e.Logger = slog.New(slog.DiscardHandler)
	e.Use(use...)
	for _, routes := range []*echo5.Group{e.Group(""), e.Group("/mounted", echo5.WrapMiddleware(s.handler))} {
		say := func(what func(c *echo5.Context) string) echo5.HandlerFunc {
			return func(c *echo5.Context) error { return c.String(200, what(c)) }
		}
		page := say(func(*echo5.Context) string { return "a page" })
		routes.GET("/page", page)
		routes.GET("/empty", func(*echo5.Context) error { return nil })
		routes.GET("/missing", func(*echo5.Context) error { return echo5.ErrNotFound })
		routes.GET("/broken", func(*echo5.Context) error { return errors.New("broken") })
		routes.GET("/panic", func(*echo5.Context) error { panic("a handler's mistake") })
		routes.POST("/login", say(func(c *echo5.Context) string { return s.login(c.Request().Context()) }))
		routes.POST("/login-and-fail", func(c *echo5.Context) error { s.login(c.Request().Context()); return errors.New("broken") })
		routes.POST("/event", say(func(c *echo5.Context) string { return s.track(c.Request().Context()) }))
		routes.GET("/whoami", say(func(c *echo5.Context) string { return s.whoami(c.Request().Context()) }))
		routes.GET("/session", say(func(c *echo5.Context) string { return s.session(c.Request().Context()) }))
		if s.Tracker != nil {
			routes.GET("/account", page, echo5.WrapMiddleware(s.RequireCustomer))
			routes.GET("/quiet", page, echo5.WrapMiddleware(s.Uncounted))
		}
		routes.GET("/probe", func(c *echo5.Context) error { probe(c.Response(), c.Request()); return nil })
	}
	return e
}
