package frameworks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"

	"github.com/footfall-go/footfall/internal/stage"
)

func cut(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, path
}

// probes are things that a writer can do, or say that it cannot.
var probes = []string{"flush", "controller-flush", "hijack", "controller-hijack", "deadlines", "push", "close-notify", "hints", "trailer", "websocket"}

var waiting sync.Map // of handlers that wait for their client: key to channel

// probe does with a framework's writer what a request asks for, and says how it went.
func probe(w http.ResponseWriter, r *http.Request) {
	what, control := r.URL.Query().Get("what"), http.NewResponseController(w)
	defer func() {
		if p := recover(); p != nil {
			_, why, _ := strings.Cut(fmt.Sprint(p), " is not ") // without the name of the writer
			io.WriteString(w, "panic: it is not "+why)
		}
	}()
	switch what {
	case "flush", "controller-flush":
		io.WriteString(w, "first ")
		if what == "flush" {
			w.(http.Flusher).Flush()
		} else if err := control.Flush(); err != nil {
			io.WriteString(w, err.Error())
			return
		}
		arrived, _ := waiting.Load(r.URL.Query().Get("key"))
		select {
		case <-arrived.(chan struct{}):
			io.WriteString(w, "second")
		case <-time.After(2 * time.Second):
			io.WriteString(w, "and the client did not see it")
		}
	case "hijack", "controller-hijack":
		hijack := control.Hijack
		if h, ok := w.(http.Hijacker); what == "hijack" && ok {
			hijack = h.Hijack
		}
		conn, rw, err := hijack()
		if err != nil {
			io.WriteString(w, "cannot: "+err.Error())
			return
		}
		defer conn.Close()
		rw.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nmine")
		rw.Flush()
	case "deadlines":
		fmt.Fprint(w, control.SetReadDeadline(time.Now().Add(time.Minute)), control.SetWriteDeadline(time.Now().Add(time.Minute)), control.EnableFullDuplex())
	case "push":
		io.WriteString(w, push(w))
	case "close-notify":
		gone := w.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // gin uses it
		select {
		case <-gone:
			io.WriteString(w, "gone")
		default:
			io.WriteString(w, "here")
		}
	case "hints":
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "after the hints")
	case "trailer":
		w.Header().Set("Trailer", "Sum")
		io.WriteString(w, "with a trailer")
		w.Header().Set("Sum", "17")
	case "websocket":
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // answered by Accept
		}
		defer conn.CloseNow()
		kind, b, err := conn.Read(r.Context())
		if err == nil {
			_ = conn.Write(r.Context(), kind, append([]byte("heard "), b...))
			_ = conn.Close(websocket.StatusNormalClosure, "")
		}
	}
}

func push(w http.ResponseWriter) string {
	for {
		switch t := w.(type) {
		case http.Pusher:
			return text(t.Push("/a.css", nil))
		case gin.ResponseWriter:
			if p := t.Pusher(); p != nil {
				return text(p.Push("/a.css", nil))
			}
			return "cannot"
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return "cannot"
		}
	}
}

// outcome is what a client sees of a probe.
func (sh *shop) outcome(what string) string {
	sh.t.Helper()
	ctx, cancel := context.WithTimeout(sh.t.Context(), 10*time.Second)
	defer cancel()
	if what == "websocket" {
		return sh.speak(ctx)
	}
	hints := 0
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil }})
	arrived, key := make(chan struct{}), sh.url+what
	waiting.Store(key, arrived)
	r, err := http.NewRequestWithContext(ctx, "GET", sh.url+"/probe?what="+what+"&key="+key, nil)
	if err != nil {
		sh.t.Fatal(err)
	}
	r.Header.Set("User-Agent", stage.Firefox)
	resp, err := sh.client.Do(r)
	if err != nil {
		return "no answer: " + strings.ReplaceAll(err.Error(), sh.url, "")
	}
	defer resp.Body.Close()
	body, first := []byte(nil), make([]byte, len("first "))
	if n, _ := io.ReadFull(resp.Body, first); n > 0 {
		close(arrived)
		rest, _ := io.ReadAll(resp.Body)
		body = append(first[:n], rest...)
	}
	return strconv.Itoa(resp.StatusCode) + " " + string(body) + fmt.Sprint(" hints:", hints, " trailer:", resp.Trailer["Sum"])
}

func (sh *shop) speak(ctx context.Context) string {
	conn, resp, err := websocket.Dial(ctx, sh.url+"/probe?what=websocket", &websocket.DialOptions{
		HTTPClient: sh.client, HTTPHeader: http.Header{"User-Agent": {stage.Firefox}},
	})
	if err != nil {
		status := 0
		if resp != nil {
			status = resp.StatusCode
		}
		return "no connection: " + strconv.Itoa(status)
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		return err.Error()
	}
	_, b, err := conn.Read(ctx)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// withWriters are the setups whose handlers have an http.ResponseWriter. echo's Gzip is left out: it
// holds the status of a WebSocket back, with the tracker or without.
func withWriters() []setup {
	return slices.DeleteFunc(slices.Concat(routerSetups(), ginSetups(), echoSetups()), func(su setup) bool { return strings.Contains(su.name, "Gzip") })
}

func TestAHandlersWriterCanWhatItCanWithoutTheTracker(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		for _, su := range withWriters() {
			t.Run(protocol+" "+su.name, func(t *testing.T) {
				t.Parallel()
				st := stage.New(t, nil)
				tracked := su.serve(t, site{Tracker: st.Tracker, handler: st.Tracker.Handler}, protocol == "HTTP/2")
				without := su.serve(t, bare(), protocol == "HTTP/2")
				for _, what := range probes {
					if got, want := tracked.outcome(what), without.outcome(what); got != want {
						t.Errorf("%s: under the tracker the client sees %q, without it %q", what, got, want)
					}
				}
			})
		}
	}
}

func TestAConnectionThatAHandlerTakesOverIsNoPageView(t *testing.T) {
	eachOf(t, withWriters(), func(t *testing.T, su setup, sh *shop) {
		if su.noContext {
			return // behind a reverse proxy it is another server's connection
		}
		if got := sh.outcome("hijack"); !strings.HasPrefix(got, "200 mine") {
			t.Errorf("the client of a handler that takes the connection over sees %q", got)
		}
		sh.wants("a connection that was taken over", counted{})
		if got := sh.outcome("controller-hijack"); !strings.HasPrefix(got, "200 mine") {
			t.Errorf("the client of a handler that takes the connection over by a ResponseController sees %q", got)
		}
		sh.wants("a connection that was taken over by a ResponseController", counted{})
		if got := sh.outcome("websocket"); got != "heard hello" {
			t.Errorf("over a WebSocket the client sees %q", got)
		}
		if got := sh.counts(); got.views != 0 {
			t.Errorf("a WebSocket is %d page views, want none", got.views)
		}
	})
}

func TestGinStreamsAndSendsEvents(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		for _, su := range ginSetups() {
			t.Run(protocol+" "+su.name, func(t *testing.T) {
				t.Parallel()
				st := stage.New(t, nil)
				v := su.serve(t, site{Tracker: st.Tracker, handler: st.Tracker.Handler}, protocol == "HTTP/2").visitor()
				if a := v.get("/stream"); a.status != 200 || a.text != "part part part" || len(a.sets()) != 2 {
					t.Errorf("c.Stream is answered %d %q and sets the cookies %q, want three parts and two cookies", a.status, a.text, a.sets())
				}
				if a := v.get("/sse"); a.status != 200 || strings.Count(a.text, "event:message") != 3 {
					t.Errorf("c.SSEvent is answered %d %q, want three events", a.status, a.text)
				}
			})
		}
	}
}
