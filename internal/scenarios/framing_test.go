package scenarios_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/footfall-go/footfall/internal/stage"
)

// A request whose end a proxy may see elsewhere than this server is the last one of its
// connection (RFC 9112, section 6.1): what follows may be one that nobody sent.
func TestFraming_LengthAndChunksCloseTheConnection(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	server := httptest.NewServer(s.Site())
	defer server.Close()
	for what, c := range map[string]struct {
		headers, body string
		open          bool
	}{
		"Content-Length and Transfer-Encoding": {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", false},
		"Transfer-Encoding and Content-Length": {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n", false},
		"Content-Length alone":                 {"Content-Length: 5\r\n", "hello", true},
	} {
		t.Run(what, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			smuggled := "GET /missing HTTP/1.1\r\nHost: shop\r\n\r\n"
			if _, err := io.WriteString(conn, "POST /event/add_to_cart HTTP/1.1\r\nHost: shop\r\n"+c.headers+"\r\n"+c.body+smuggled); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			if resp.Close == c.open {
				t.Errorf("the answer says that the connection is closed: %v, want %v", resp.Close, !c.open)
			}
			if _, err := http.ReadResponse(in, nil); (err == nil) != c.open {
				t.Errorf("what followed on the connection was answered: %v, want %v", err == nil, c.open)
			}
		})
	}
}
