package faults

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	firefox    = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	productsAt = "/api/storefront/products/"
	cartAt     = "/api/storefront/cart"
	loginAt    = "/api/storefront/auth/login"
	logoutAt   = "/api/storefront/auth/logout"
	meAt       = "/api/storefront/me"
	ordersAt   = "/api/storefront/orders"
	revokeAt   = "/_footfall/api/revoke"

	answerPatience = 15 * time.Second
)

// A visitor is a browser with an address and a cookie jar. It makes one request
// at a time.
type visitor struct {
	number  int
	address string
	client  *http.Client // nil: the one that makes a connection for each request
	only    *process     // the one that it asks; nil: any of the shop's
	session string       // values of the cookies, "" if there is none
	visitor string
	jar     *jar
	header  []string // of each request, name after name and value
}

// newVisitor has an address in a network of its own, so that no two visitors look
// like one.
func newVisitor(number int) *visitor {
	v := newStranger(fmt.Sprintf("%d.%d.%d.7", 20+number>>16&63, number>>8&255, number&255))
	v.number = number
	return v
}

// newStranger has an address that other visitors may have too.
func newStranger(address string) *visitor {
	return &visitor{address: address, jar: newJar()}
}

// newFlooder is a stranger who sends the longest texts, of what encodings make longer.
func newFlooder(address string) *visitor {
	v := newStranger(address)
	v.header = []string{
		"User-Agent", firefox + " " + strings.Repeat("<", 600),
		"Referer", "https://" + strings.Repeat("a", 60) + ".example/?" + strings.Repeat("<>&", 700),
	}
	return v
}

// worstQuery is the campaign of a page view with the longest texts.
var worstQuery = func() (query string) {
	for _, name := range []string{"source", "medium", "campaign", "term", "content"} {
		query += "&utm_" + name + "=" + strings.Repeat("%3C", 300)
	}
	return query
}()

// An answer is what a browser received; err is set if it received none.
type answer struct {
	status int
	data   json.RawMessage
	err    error
	sent   bool
	again  string // the Retry-After that came with it
	// The session cookie that came with the answer: its value, "" if it was
	// deleted.
	set     bool
	session string
}

// outcome returns the outcome of a request that counts if it is answered with
// that status.
func (a *answer) outcome(want int) outcome {
	switch {
	case a.err != nil && a.sent:
		return unknown
	case a.err == nil && a.status == want:
		return counted
	}
	return refused
}

// clients never send a request twice by themselves. If a kept connection ends,
// net/http would try a GET again, and the shop would count it again.
var client = &http.Client{
	Timeout:       answerPatience,
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send makes a request and stores the cookies of its answer, like a browser.
func (v *visitor) send(base, method, path string, body io.Reader, header ...string) *answer {
	ctx, cancel := context.WithTimeout(context.Background(), answerPatience)
	defer cancel()
	if v.only != nil {
		base = "http://" + v.only.addr
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, body)
	if err != nil {
		return &answer{err: err}
	}
	req.Header.Set("User-Agent", firefox)
	req.Header.Set("X-Forwarded-For", v.address)
	for _, all := range [][]string{v.header, header} {
		for i := 0; i+1 < len(all); i += 2 {
			req.Header.Set(all[i], all[i+1])
		}
	}
	var cookies []string
	if v.session != "" {
		cookies = append(cookies, "session="+v.session)
	}
	if v.visitor != "" {
		cookies = append(cookies, "visitor_id="+v.visitor)
	}
	if len(cookies) > 0 {
		req.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	resp, err := cmp.Or(v.client, client).Do(req)
	if err != nil {
		return &answer{err: err, sent: !neverSent(err)}
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return &answer{err: err, sent: true}
	}
	a := &answer{status: resp.StatusCode, sent: true, again: resp.Header.Get("Retry-After")}
	envelope := struct{ Data *json.RawMessage }{&a.data}
	_ = json.Unmarshal(content, &envelope)
	v.keep(resp, a)
	return a
}

func (v *visitor) keep(resp *http.Response, a *answer) {
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			c.Value = ""
		}
		switch c.Name {
		case "session":
			a.set, a.session = true, c.Value
			v.session = c.Value
			v.jar.got(sessionOf(c.Value), "")
		case "visitor_id":
			v.visitor = c.Value
			v.jar.got("", visitorOf(c.Value))
		}
	}
}

// sessionOf returns the public id in a session cookie:
// s:<id>.<secret>.<signature>, percent-encoded.
func sessionOf(cookie string) string {
	id, _, _ := strings.Cut(signed(cookie), ".")
	return id
}

// visitorOf returns the id in a visitor cookie: s:v1.<id>.<signature>.
func visitorOf(cookie string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(signed(cookie), "v1."), ".")
	return id
}

func signed(cookie string) string {
	text, err := url.QueryUnescape(cookie)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(text, "s:")
}
