package firstbyte

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// log is what happened, in order: to the hooks and to the writer underneath.
type log struct{ lines []string }

func (l *log) note(line string)                      { l.lines = append(l.lines, line) }
func (l *log) Finish(s int, _ http.Header, _ []byte) { l.note("finish " + strconv.Itoa(s)) }
func (l *log) Abandon()                              { l.note("abandon") }

// under is a writer that can do nothing but what every writer can.
type under struct {
	*log
	header http.Header
}

func (u *under) Header() http.Header { return u.header }
func (u *under) WriteHeader(s int)   { u.note("header " + strconv.Itoa(s)) }
func (u *under) Write(b []byte) (int, error) {
	u.note("write " + string(b))
	return len(b), nil
}

func (u *under) SetReadDeadline(time.Time) error { u.note("deadline"); return nil }

type flusher struct{ *under }

func (u flusher) Flush() { u.note("flush") }

type hijacker struct {
	flusher
	err error
}

func (u hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	u.note("hijack")
	return nil, nil, u.err
}

type http1 struct{ hijacker }

func (u http1) ReadFrom(r io.Reader) (int64, error) {
	b, err := io.ReadAll(r)
	u.note("read " + string(b))
	return int64(len(b)), err
}

type http2 struct{ flusher }

func (u http2) Push(target string, _ *http.PushOptions) error { u.note("push " + target); return nil }

func answer(full bool, do func(w http.ResponseWriter)) []string {
	l := new(log)
	var w http.ResponseWriter = &under{l, http.Header{}}
	if full {
		w = http1{hijacker{flusher: flusher{&under{l, http.Header{}}}}}
	}
	do(new(Writer).Wrap(w, l))
	return l.lines
}

func TestWriter_FinishComesBeforeTheFirstByte(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w http.ResponseWriter)
		want []string
	}{
		{"Write", func(w http.ResponseWriter) { _, _ = w.Write([]byte("a")) }, []string{"finish 200", "write a"}},
		{"WriteString", func(w http.ResponseWriter) { _, _ = w.(io.StringWriter).WriteString("a") }, []string{"finish 200", "write a"}},
		{"ReadFrom", func(w http.ResponseWriter) { _, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("a")) }, []string{"finish 200", "read a"}},
		{"Flush", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, []string{"finish 200", "flush"}},
		{"Flush by a controller", func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }, []string{"finish 200", "flush"}},
		{"WriteHeader(200)", func(w http.ResponseWriter) { w.WriteHeader(200) }, []string{"finish 200", "header 200"}},
		{"WriteHeader(404)", func(w http.ResponseWriter) { w.WriteHeader(404) }, []string{"finish 404", "header 404"}},
		{"WriteHeader(101), after which the connection speaks something else", func(w http.ResponseWriter) { w.WriteHeader(101) }, []string{"finish 101", "header 101"}},
		{"WriteHeader(103), behind which another status follows", func(w http.ResponseWriter) { w.WriteHeader(103) }, []string{"header 103"}},
		{"WriteHeader(100)", func(w http.ResponseWriter) { w.WriteHeader(100) }, []string{"header 100"}},
		{"Hijack", func(w http.ResponseWriter) { _, _, _ = w.(http.Hijacker).Hijack() }, []string{"hijack", "abandon"}},
		{"a deadline by a controller", func(w http.ResponseWriter) { _ = http.NewResponseController(w).SetReadDeadline(time.Time{}) }, []string{"deadline"}},
		{"nothing", func(http.ResponseWriter) {}, nil},
	} {
		if got := answer(true, c.do); !slices.Equal(got, c.want) {
			t.Errorf("%s: happened %q, want %q: the hooks hear of an answer before its first byte, and of nothing else", c.name, got, c.want)
		}
	}
}

// A handler that waits for its client to leave hears of it, as without the Writer:
// gin's Stream does, and panics if it cannot.
func TestWriter_SaysThatTheClientLeft(t *testing.T) {
	left := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		notify := new(Writer).Wrap(w, new(log)).(http.CloseNotifier).CloseNotify() //nolint:staticcheck // what is tested
		w.(http.Flusher).Flush()
		select {
		case <-notify:
			left <- true
		case <-time.After(5 * time.Second):
			left <- false
		}
	}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if !<-left {
		t.Error("the handler did not hear that its client had left")
	}
}

func TestWriter_AHijackThatFailsAbandonsNothing(t *testing.T) {
	l := new(log)
	w := new(Writer).Wrap(hijacker{flusher{&under{l, http.Header{}}}, errors.New("no")}, l)
	if _, _, err := w.(http.Hijacker).Hijack(); err == nil || slices.Contains(l.lines, "abandon") {
		t.Errorf("a connection that could not be taken over (%v) is abandoned: %q. The answer still goes through the writer", err, l.lines)
	}
}

func TestWriter_CanWhatTheOneUnderneathCan(t *testing.T) {
	plain := &under{new(log), http.Header{}}
	for can := range abilities(1 << 5) {
		w := (&Writer{plain, plain}).as(can)
		if got := abilitiesOf(w); got != can {
			t.Fatalf("the writer made for the abilities %05b has %05b", can, got)
		}
		var f Writer
		got := f.Wrap(w, plain)
		if abilitiesOf(got) != can {
			t.Errorf("a handler can %05b (push, read from, close notify, hijack, flush), and the writer underneath %05b: it must be the same", abilitiesOf(got), can)
		}
		if u, ok := got.(interface{ Unwrap() http.ResponseWriter }); !ok || u.Unwrap() != w {
			t.Errorf("%05b: the writer underneath is not found by Unwrap: deadlines would not work", can)
		}
	}
	if n := testing.AllocsPerRun(100, func() { (&Writer{}).as(flushes | hijacks | notifies | reads) }); n > 0 {
		t.Errorf("wrapping allocates %v times: each request would", n)
	}
	push := new(Writer).Wrap(http2{flusher{plain}}, plain).(http.Pusher)
	if err := push.Push("/a", nil); err != nil || !slices.Contains(plain.lines, "push /a") {
		t.Errorf("a push does not arrive: %v, %q", err, plain.lines)
	}
}

// headers is a hook that sets a header, as whoever sets cookies does.
type headers struct{ log }

func (h *headers) Finish(_ int, header http.Header, _ []byte) { header.Set("Set-Cookie", "a=b") }

func TestWriter_FinishMayStillChangeTheHeader(t *testing.T) {
	for name, do := range map[string]func(w http.ResponseWriter){
		"Write": func(w http.ResponseWriter) { _, _ = w.Write([]byte("a")) }, "WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(204) },
		"WriteString": func(w http.ResponseWriter) { _, _ = io.WriteString(w, "a") }, "Flush": func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
	} {
		recorder := httptest.NewRecorder()
		do(new(Writer).Wrap(recorder, new(headers)))
		if recorder.Result().Header.Get("Set-Cookie") == "" {
			t.Errorf("%s: a header that Finish set is not in the answer: Finish came behind the first byte", name)
		}
	}
}
