package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/bench/serve"
)

// A crowd is many visitors. Each has a browser, an address and a landing page of
// its own, so that no two sessions can share their strings. Their cookies are in
// a file, because in memory they would be part of what is measured.
type crowd struct {
	tracker *footfall.Tracker
	handler http.Handler
	cookies *os.File
	text    atomic.Int64 // bytes of the strings of all sessions
}

const cookieSlot = 512 // bytes in the file for each visitor

func newCrowd(path string, visitors int) (*crowd, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &crowd{cookies: f}, f.Truncate(int64(visitors) * cookieSlot)
}

// page handles the shop's pages.
func (c *crowd) page(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Cookie") == "" { // a new session begins
		s, ok := footfall.FromContext(r.Context())
		if !ok {
			http.Error(w, "no session", http.StatusInternalServerError)
			return
		}
		for _, text := range []string{
			s.SessionID, s.VisitorID, s.IPAddress, s.UserAgent, s.Country, s.City, s.Device, s.Browser, s.OS, s.LandingPage, s.Referrer, s.Channel,
			s.UTMSource, s.UTMMedium, s.UTMCampaign, s.UTMTerm, s.UTMContent,
		} {
			c.text.Add(int64(len(text)))
		}
	}
	_, _ = io.WriteString(w, "a page")
}

// A visit is a prepared request and the writer for its answer.
type visit struct{ cookie, agent, addr string }

// agent, address and target return those of a visitor by number. They are made
// anew each time, as in a server, so nothing is shared.
func agent(n int) string {
	return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36", 120+n%25, 6000+n/250%4000, n%250)
}

func address(n int) string { return fmt.Sprintf("%d.%d.%d.7:50000", 11+n>>16&63, n>>8&255, n&255) }

func target(n int) string {
	return fmt.Sprintf("/products/%d-enamel-mug-dark-green?utm_source=newsletter&utm_medium=email&utm_campaign=autumn-%d", n, n)
}

// recall prepares a visit of the visitor with that number.
func (c *crowd) recall(v *visit, n int) error {
	var slot [cookieSlot]byte
	if _, err := c.cookies.ReadAt(slot[:], int64(n)*cookieSlot); err != nil {
		return err
	}
	v.cookie, v.agent, v.addr = strings.TrimRight(string(slot[:]), "\x00"), agent(n), address(n)
	return nil
}

// A caller makes calls, one after the other.
type caller struct {
	crowd *crowd
	w     *serve.NullWriter
}

func newCaller(c *crowd) *caller { return &caller{crowd: c, w: serve.NewNullWriter()} }

// begin makes the first request of the visitor with that number.
func (v *caller) begin(n int) error {
	at, err := url.ParseRequestURI(target(n))
	if err != nil {
		return err
	}
	r := request(at, address(n))
	r.Header.Set("User-Agent", agent(n))
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Referer", fmt.Sprintf("https://www.example.com/letters/%d", n))
	if err := v.call(r); err != nil {
		return err
	}
	var pairs []string
	for _, line := range v.w.Header()["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		pairs = append(pairs, pair)
	}
	text := strings.Join(pairs, "; ")
	if len(pairs) != 2 || len(text) > cookieSlot {
		return fmt.Errorf("a new visitor got the cookies %q", text)
	}
	_, err = v.crowd.cookies.WriteAt([]byte(text), int64(n)*cookieSlot)
	return err
}

// resume makes another request of a visitor.
func (v *caller) resume(visit *visit) error {
	r := request(&url.URL{Path: "/products/17"}, visit.addr)
	r.Header["User-Agent"], r.Header["Cookie"] = []string{visit.agent}, []string{visit.cookie}
	if err := v.call(r); err != nil {
		return err
	}
	if len(v.w.Header()["Set-Cookie"]) > 0 {
		return errors.New("a visitor who came again got another cookie")
	}
	return nil
}

// request makes a request like net/http does, as far as the middleware examines
// it.
func request(at *url.URL, addr string) *http.Request {
	return &http.Request{
		Method: http.MethodGet, URL: at, RequestURI: at.RequestURI(), Host: "shop.example", RemoteAddr: addr,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody,
	}
}

func (v *caller) call(r *http.Request) error {
	v.w.Clear()
	v.crowd.handler.ServeHTTP(v.w, r)
	if v.w.Status > http.StatusOK {
		return fmt.Errorf("answer %d", v.w.Status)
	}
	return nil
}
