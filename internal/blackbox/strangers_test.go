package blackbox

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a program asks for is kept in detail up to a bound in bytes, and as numbers beyond
// it: one address with long URLs fills no archive, and no view is left out of the sums,
// also if the process is killed.
func TestFlood_BotsAreKeptInDetailUpToABoundAndCountedBeyond(t *testing.T) {
	t.Parallel()
	const views, most = 1500, 256 << 10 // of one network in an hour; two hours if one turns
	s := openShop(t)
	bot := s.stranger("User-Agent: curl/8.5.0 " + strings.Repeat("x", 480))
	target := productsPath + "?q=" + strings.Repeat("y", 1900)
	for range views {
		bot.get(target).want(200)
	}
	s.drained()
	eventually(t, "the numbers of the last seconds are in the archive", func() (bool, string) {
		n := s.row(`SELECT (SELECT count(*) FROM bot_views) + (SELECT coalesce(sum(count), 0) FROM uncounted_visits WHERE bots)`)[0]
		return n == "1500", n
	})
	s.kill()
	s.start()
	for range 10 {
		bot.get(target).want(200)
	}
	s.stop(terminate)
	s.start()
	var stats statsJSON
	s.runJSON(&stats, "stats", "--json")
	if stats.BotViews != views+10 || stats.BotsByReason["tool"] != views+10 {
		t.Errorf("stats counts %d bot views (%v), want %d: what is kept as a number counts like what is kept in detail", stats.BotViews, stats.BotsByReason, views+10)
	}
	if stats.UncountedVisits != 0 {
		t.Errorf("%d views of software are taken for visits past a cap", stats.UncountedVisits)
	}
	bytes := s.count(`SELECT sum(length(reason) + length(user_agent) + length(ip_address) + length(page) + 200) FROM bot_views`)
	if bytes == 0 || bytes > 3*most { // the second process has a budget of its own
		t.Errorf("%d bytes are kept of one network's views, want at most %d", bytes, 3*most)
	}
	if longest := s.count(`SELECT max(length(user_agent) + length(page)) FROM bot_views`); longest > 256+512 {
		t.Errorf("a row of what a program did has %d bytes of agent and page, want at most %d", longest, 256+512)
	}
}

// Clients that take nothing, or send half of a request, hold up no end: what they are
// owed is cut, and the process ends as if nobody had been there.
func TestEnd_StalledClientsHoldNothingUp(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	address := strings.TrimPrefix(s.own, "http://")
	dial := func() *net.TCPConn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c.(*net.TCPConn)
	}
	var full sync.WaitGroup
	for range 50 {
		c := dial()
		if err := c.SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		full.Go(func() { // asks until neither side takes anything more
			requests := []byte(strings.Repeat("GET "+productsPath+" HTTP/1.1\r\nHost: shop\r\n\r\n", 100))
			for {
				_ = c.SetWriteDeadline(time.Now().Add(time.Second))
				if _, err := c.Write(requests); err != nil {
					return
				}
			}
		})
	}
	full.Wait()
	for _, half := range []string{
		"POST " + cartPath + " HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"POST " + productsPath + " HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\n{",
		"GET " + productsPath + " HTTP/1.1\r\nHost:",
	} {
		if _, err := dial().Write([]byte(half)); err != nil {
			t.Fatal(err)
		}
	}
	s.browser().view(productsPath).want(200)
	s.stop(terminate) // and its exit code is 0
	if strings.Contains(s.errs.String(), "did not finish") {
		t.Errorf("clients that take nothing hold up the end of the process:\n%s", s.errs)
	}
}

// Whoever guesses the admin token is stopped, and stops neither operators elsewhere nor
// commands on this machine.
func TestAdmin_WrongTokensAreThrottled(t *testing.T) {
	t.Parallel()
	s := openShop(t, "TRUSTED_PROXIES=127.0.0.0/8")
	const path = "/_footfall/api/stats"
	stranger := s.stranger("X-Forwarded-For: 203.0.113.7")
	var a *answer
	for i := range 12 {
		a = stranger.get(path, fmt.Sprintf("Authorization: Bearer guess-%d-0123456789", i))
	}
	if a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("the twelfth wrong admin token of a network is answered %d with Retry-After %q, want 429 and how long to wait", a.status, a.header.Get("Retry-After"))
	}
	stranger.get(path, "Authorization: Bearer "+adminToken).want(429)
	s.stranger("X-Forwarded-For: 198.51.100.7").get(path, "Authorization: Bearer "+adminToken).want(200)
	s.runJSON(&statsJSON{}, "stats", "--json")
	if metrics := s.stranger("X-Forwarded-For: 198.51.100.7").get("/metrics", "Authorization: Bearer "+adminToken).body; !strings.Contains(string(metrics), "footfall_admin_tokens_throttled_total 3") {
		t.Error("/metrics does not count the three tokens that were throttled")
	}
}

// A request with two lengths is the last one of its connection, on every path.
func TestFraming_LengthAndChunksCloseTheConnection(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	for _, path := range []string{productsPath, "/healthz", "/_footfall/api/stats", "/nothing"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.own, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		request := "GET " + path + " HTTP/1.1\r\nHost: shop\r\n"
		if _, err := io.WriteString(conn, request+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+request+"\r\n"); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if _, err := http.ReadResponse(in, nil); err == nil || !resp.Close {
			t.Errorf("%s: what follows a request with Content-Length and Transfer-Encoding is answered too: it may be one that nobody sent", path)
		}
	}
}
