package scenarios_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/stage"
)

// serveReal puts a handler under the middleware on a real server.
func serveReal(t *testing.T, s *stage.Stage, h http.HandlerFunc, protocols ...func(*httptest.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(s.Tracker.Handler(h))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if len(protocols) == 0 {
		server.Start()
	}
	for _, p := range protocols {
		p(server)
	}
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, server *httptest.Server, edit func(*http.Request)) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", stage.Firefox)
	if edit != nil {
		edit(r)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// cookieNames are the names of an answer's Set-Cookie lines.
func cookieNames(resp *http.Response) string {
	var names []string
	for _, c := range resp.Cookies() {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

// Whatever way a handler answers, the cookies go out once and before the first
// byte, and nothing that the writer underneath can do is lost.
func TestHandler_Writer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		body    string
	}{
		{"write", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "a", "b") }, 200, "ab"},
		{"header first", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); fmt.Fprint(w, "a") }, 201, "a"},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, 200, ""},
		{"no content", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, 204, ""},
		{"two headers", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); w.WriteHeader(500) }, 200, ""},
		{"flush", func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); fmt.Fprint(w, "a") }, 200, "a"},
		{"flush through the controller", func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				fmt.Fprint(w, err)
			}
			fmt.Fprint(w, "a")
		}, 200, "a"},
		{"read from", func(w http.ResponseWriter, r *http.Request) {
			if _, ok := w.(io.ReaderFrom); !ok {
				fmt.Fprint(w, "no io.ReaderFrom")
			}
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader("a")})
		}, 200, "a"},
		{"string", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "a") }, 200, "a"},
		{"deadline through the controller", func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				fmt.Fprint(w, err)
			}
			fmt.Fprint(w, "a")
		}, 200, "a"},
		{"wrapped again", func(w http.ResponseWriter, r *http.Request) {
			inner := &plainWriter{w}
			_ = http.NewResponseController(inner).Flush()
			fmt.Fprint(inner, "a")
		}, 200, "a"},
		{"trailer", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprint(w, "a")
			w.Header().Set("X-Sum", "1")
		}, 200, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stage.New(t, nil)
			resp := get(t, serveReal(t, s, c.handler), nil)
			if got := stage.Text(t, resp); resp.StatusCode != c.status || got != c.body {
				t.Errorf("the answer is %d %q, without the middleware it is %d %q", resp.StatusCode, got, c.status, c.body)
			}
			if got := cookieNames(resp); got != "session visitor_id" {
				t.Errorf("the answer sets the cookies %q: both, once", got)
			}
			if c.name == "trailer" && resp.Trailer.Get("X-Sum") != "1" {
				t.Error("the trailer is lost")
			}
		})
	}
}

type plainWriter struct{ http.ResponseWriter }

func (w *plainWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// An informational answer is not the answer: cookies wait for that.
func TestHandler_Writer1xx(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := serveReal(t, s, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprint(w, "a")
	})
	hints := ""
	resp := get(t, server, func(r *http.Request) {
		*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = fmt.Sprint(code, h.Values("Set-Cookie"))
			return nil
		}}))
	})
	if hints != "103 []" {
		t.Errorf("the early hints are %q: 103 and no cookie", hints)
	}
	if got := cookieNames(resp); got != "session visitor_id" {
		t.Errorf("the answer after early hints sets %q", got)
	}
}

func TestHandler_WriterHTTP2(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := serveReal(t, s, func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Hijacker); ok {
			t.Error("under HTTP/2 the writer pretends to be an http.Hijacker")
		}
		if _, ok := w.(http.Flusher); !ok {
			t.Error("under HTTP/2 the writer is no http.Flusher any more")
		}
		fmt.Fprint(w, r.Proto)
	}, func(server *httptest.Server) { server.EnableHTTP2 = true; server.StartTLS() })
	resp := get(t, server, nil)
	if got := stage.Text(t, resp); got != "HTTP/2.0" || cookieNames(resp) != "session visitor_id" {
		t.Errorf("answer %q with cookies %q", got, cookieNames(resp))
	}
}

// What goes over a hijacked connection is the handler's alone.
func TestHandler_WriterHijack(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := serveReal(t, s, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
		_ = rw.Flush()
	})
	resp := get(t, server, nil)
	if got := stage.Text(t, resp); got != "a" || cookieNames(resp) != "" {
		t.Errorf("a hijacked connection carried %q and cookies %q", got, cookieNames(resp))
	}
	s.Settle()
	if n := s.Count("sessions_begun"); n != 0 {
		t.Errorf("%d sessions began whose cookie nobody got", n)
	}
}

// Middleware that passes on Hijack but not ReadFrom is common.
func TestHandler_HijackBehindOtherMiddleware(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		type passing struct {
			http.ResponseWriter
			http.Flusher
			http.Hijacker
		}
		s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h, ok := w.(http.Hijacker)
			if !ok {
				t.Error("http.Hijacker is lost")
				return
			}
			conn, rw, err := h.Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
			_ = rw.Flush()
		})).ServeHTTP(passing{w, w.(http.Flusher), w.(http.Hijacker)}, r)
	}))
	defer server.Close()
	if got := stage.Text(t, get(t, server, nil)); got != "a" {
		t.Errorf("over the hijacked connection came %q", got)
	}
	if n := s.Count("sessions_begun"); n != 0 {
		t.Errorf("%d sessions began whose cookie nobody got", n)
	}
}

// A handler that panics answers nothing, or what a recovering middleware says.
func TestHandler_WriterPanic(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	recovering := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					http.Error(w, "oops", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	bad := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("bad") })
	for name, h := range map[string]http.Handler{"outside": recovering(s.Tracker.Handler(bad)), "inside": s.Tracker.Handler(recovering(bad))} {
		resp := stage.NewBrowser(t, h).Do("GET", "/")
		if got := stage.Text(t, resp); resp.StatusCode != 500 || got != "oops" || cookieNames(resp) != "" {
			t.Errorf("recovered %s: %d %q, cookies %q: the error page alone", name, resp.StatusCode, got, cookieNames(resp))
		}
	}
	s.Settle()
	if n := s.Count("sessions_begun"); n != 0 {
		t.Errorf("%d sessions began with a panic", n)
	}
}

// The raw bytes: one Set-Cookie per name, the header before the body.
func TestHandler_OnTheWire(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := serveReal(t, s, func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); fmt.Fprint(w, "body") })
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n", stage.Firefox)
	raw, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	if n := bytes.Count(raw, []byte("Set-Cookie: session=")); n != 1 || !bytes.Contains(head, []byte("Set-Cookie: visitor_id=")) {
		t.Errorf("on the wire:\n%s", raw)
	}
}
