package frameworks

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"
)

// Fiber3 runs a net/http middleware, such as tracker.Handler, as a middleware of fiber v3.
// The rest of the chain and fiber's error handler run inside of it, so that it sees the
// status of the answer, and its cookies are part of the answer. The context for the
// tracker's methods is c.Context().
func Fiber3(middleware func(http.Handler) http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		r, err := fiber3Request(c)
		if err != nil {
			return fiber.ErrBadRequest
		}
		next := func(w http.ResponseWriter, r *http.Request) {
			c.SetContext(r.Context())
			if err := c.Next(); err != nil && c.App().ErrorHandler(c, err) != nil {
				_ = c.SendStatus(fiber.StatusInternalServerError)
			}
			for _, name := range []string{"Cache-Control", "Vary"} {
				if v := c.GetRespHeader(name); v != "" {
					w.Header().Set(name, v)
				}
			}
			w.WriteHeader(c.Response().StatusCode())
		}
		middleware(http.HandlerFunc(next)).ServeHTTP(&fiber3Writer{c: c, header: http.Header{}}, r)
		return nil
	}
}

// fiber3Request copies a request: fasthttp uses its memory again for the next one, and the
// tracker remembers what a session began with.
func fiber3Request(c fiber.Ctx) (*http.Request, error) {
	uri := string(c.Request().RequestURI())
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: strings.Clone(c.Method()), URL: u, RequestURI: uri, Host: string(c.Request().Host()),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody,
		RemoteAddr: c.RequestCtx().RemoteAddr().String(), TLS: c.RequestCtx().TLSConnectionState(),
	}
	for name, values := range c.GetReqHeaders() {
		for _, v := range values {
			r.Header.Add(strings.Clone(name), strings.Clone(v))
		}
	}
	return r.WithContext(c.Context()), nil
}

// A fiber3Writer writes to the answer of a fiber context.
type fiber3Writer struct {
	c      fiber.Ctx
	header http.Header
	wrote  bool
}

func (w *fiber3Writer) Header() http.Header { return w.header }

func (w *fiber3Writer) WriteHeader(status int) {
	if w.wrote || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.wrote = true
	w.c.Status(status)
	for name, values := range w.header {
		if name != "Set-Cookie" {
			w.c.Response().Header.Del(name)
		}
		for _, v := range values {
			w.c.Response().Header.Add(name, v)
		}
	}
}

func (w *fiber3Writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.c.Response().AppendBody(b)
	return len(b), nil
}
