package connection

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serve starts a server that answers with how many bytes a request's body has.
func serve(t *testing.T) (addr string) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Errorf("reading a body: %v", err)
		}
		_, _ = fmt.Fprint(w, n)
	}), slog.DiscardHandler)
	go func() { _ = server.Serve(Listen(inner)) }()
	t.Cleanup(func() { _ = server.Close() })
	return inner.Addr().String()
}

// ask sends a request on a connection and returns the answer's status and body.
func ask(t *testing.T, c net.Conn, read *bufio.Reader, request string) (status int, body string) {
	t.Helper()
	go func() { _, _ = io.WriteString(c, request) }()
	answer, err := http.ReadResponse(read, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// lines is a request's header of so many lines.
func lines(n int, more string) string {
	var b strings.Builder
	b.WriteString("POST / HTTP/1.1\r\nHost: x\r\n" + more)
	for i := range n - 2 - strings.Count(more, "\n") {
		fmt.Fprintf(&b, "%x:\r\n", i)
	}
	return b.String() + "\r\n"
}

// A parsed line takes some hundred bytes, however short it was.
func TestHeader_LinesAreBounded(t *testing.T) {
	addr := serve(t)
	before := headersRefused.Load()
	c := dial(t, addr)
	read := bufio.NewReader(c)
	for range 3 { // a connection that is used again counts anew
		if status, _ := ask(t, c, read, lines(maxLines-1, "")); status != http.StatusOK {
			t.Fatalf("a header of %d lines is answered with %d", maxLines-1, status)
		}
	}
	if status, _ := ask(t, c, read, lines(1000, "")); status != http.StatusRequestHeaderFieldsTooLarge || headersRefused.Load() != before+1 {
		t.Errorf("a header of 1000 lines is answered with %d, and %d are counted as refused: want 431, and 1", status, headersRefused.Load()-before)
	}
}

// Neither an empty line in front of a request nor one that looks empty, because a part of
// it was read with the request before, ends a header.
func TestHeader_LinesAreBoundedBehindAnotherRequest(t *testing.T) {
	const before = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
	long := lines(1000, "")
	split := strings.Index(long, "\n")
	for what, parts := range map[string][2]string{
		"an empty line":         {before, "\r\n" + long},
		"two empty lines":       {before, "\n\n" + long},
		"a line in two parts":   {before + long[:split], long[split:]},
		"a header in two parts": {before + long[:split+1], long[split+1:]},
	} {
		c := dial(t, serve(t))
		read := bufio.NewReader(c)
		if status, _ := ask(t, c, read, parts[0]); status != http.StatusOK {
			t.Fatalf("%s: the request before it is answered with %d", what, status)
		}
		time.Sleep(50 * time.Millisecond) // until the connection is idle
		if status, _ := ask(t, c, read, parts[1]); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: a header of 1000 lines behind it is answered with %d, want 431", what, status)
		}
	}
}

// The lines of a body are none of the header's.
func TestHeader_ABodyMayHaveAnyLines(t *testing.T) {
	c := dial(t, serve(t))
	read := bufio.NewReader(c)
	body := strings.Repeat("a line\r\n", 5000)
	for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
		request := lines(20, fmt.Sprintf("Content-Length: %d\r\n%s", len(body), expect)) + body
		status, got := ask(t, c, read, request)
		if status == http.StatusContinue {
			status, got = ask(t, c, read, "")
		}
		if status != http.StatusOK || got != fmt.Sprint(len(body)) {
			t.Errorf("a body of 5000 lines with %q is answered with %d %s", expect, status, got)
		}
	}
}

// What net/http takes for a line of the header was counted, however the bytes come.
func FuzzHeader(f *testing.F) {
	f.Add([]byte(lines(10, "")), 3)
	f.Add([]byte("GET / HTTP/1.1\nHost: x\nA:b\n c\r\n\r\r\n\r\nd: e\n\n"), 1)
	f.Add([]byte(lines(maxLines+1, "")), 4096)
	f.Fuzz(func(t *testing.T, sent []byte, size int) {
		var h header
		fits := true
		for rest := sent; len(rest) > 0 && fits; {
			n := min(max(size, 1), len(rest))
			fits, rest = h.fits(rest[:n]), rest[n:]
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
		if err != nil {
			return
		}
		parsed := 1
		for _, values := range r.Header {
			parsed += len(values)
		}
		if fits && parsed > h.lines {
			t.Errorf("%d lines are counted, and net/http has parsed %d", h.lines, parsed)
		}
	})
}
