package serve

import (
	"context"
	"net"
	"strconv"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/gofiber/storage/redis/v3"
)

// makeFiberRedis is not net/http below: fiber stands on fasthttp, whose bare
// server is cheaper. Its ratio is to bare net/http all the same, because that is
// what a shop gets.
func makeFiberRedis(_ context.Context, o *Options) (*shopServer, error) {
	host, port, err := net.SplitHostPort(o.Redis)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	app := fiber.New()
	app.Use(session.New(session.Config{Storage: redis.New(redis.Config{Host: host, Port: number, PoolSize: 128}), CookieHTTPOnly: true}))
	app.Get("/*", func(c fiber.Ctx) error {
		s := session.FromContext(c)
		n, _ := s.Get("views").(int)
		n++
		s.Set("views", n)
		c.Set(fiber.HeaderContentType, htmlType)
		if c.Path() == CountPath {
			return c.SendString(strconv.Itoa(n))
		}
		return c.SendString(Page)
	})
	return &shopServer{
		serve: func(l net.Listener) error { return app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) },
		close: app.Shutdown,
	}, nil
}
