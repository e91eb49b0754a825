package bearer

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/enrich"
)

// from is a request with a token from an address. Forwarded says that it came through a
// proxy.
func from(addr, authorization string, forwarded ...string) *http.Request {
	r := &http.Request{RemoteAddr: addr, Header: http.Header{}}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	for _, f := range forwarded {
		r.Header.Add("X-Forwarded-For", f)
	}
	return r
}

func TestAdmit_OnlyAWholeTokenAfterBearer(t *testing.T) {
	door := New(enrich.Proxies{}, "first-token-0123456789", "", "second-token-0123456789")
	for header, want := range map[string]bool{
		"Bearer first-token-0123456789":   true,
		"Bearer second-token-0123456789 ": true,
		"Bearer first-token-012345678":    false,
		"Bearer first-token-01234567890":  false,
		"Basic first-token-0123456789":    false,
		"first-token-0123456789":          false,
		"Bearer ":                         false, // the empty token was never one
		"":                                false,
	} {
		r := from("127.0.0.1:1", header)
		if got, _ := door.Admit(r); got != want {
			t.Errorf("%q is admitted: %v, want %v", header, got, want)
		}
		if got, _ := New(enrich.Proxies{}, "").Admit(r); got {
			t.Errorf("%q is admitted where there is no token: nobody may be", header)
		}
	}
}

const right, guess = "Bearer first-token-0123456789", "Bearer another-token-0123456789"

func TestAdmit_WrongTokensOfANetworkAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := New(enrich.Proxies{}, "first-token-0123456789")
		for range 100 { // no guesses
			if _, wait := door.Admit(from("203.0.113.1:1", "")); wait > 0 {
				t.Fatal("a request without a token is throttled")
			}
		}
		for i := range Tries {
			if ok, wait := door.Admit(from(fmt.Sprintf("203.0.113.%d:1", i), guess)); ok || wait > 0 {
				t.Fatalf("wrong token %d of a network: admitted %v, to wait for %v; want it refused as wrong", i+1, ok, wait)
			}
		}
		for _, token := range []string{guess, right} {
			if ok, wait := door.Admit(from("203.0.113.200:1", token)); ok || wait != Window {
				t.Errorf("after %d wrong tokens %q of the same network is admitted %v and has to wait for %v, want refused for %v: otherwise guessing goes on", Tries, token, ok, wait, Window)
			}
		}
		if ok, _ := door.Admit(from("198.51.100.1:1", right)); !ok {
			t.Error("another network is locked out too")
		}
		time.Sleep(Window)
		if ok, _ := door.Admit(from("203.0.113.200:1", right)); !ok {
			t.Error("the network is locked out after the window")
		}
	})
}

func TestAdmit_StrangersLockNoOperatorOut(t *testing.T) {
	proxies := enrich.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}}
	for what, c := range map[string]struct{ stranger, operator *http.Request }{
		"a forgotten proxy":         {from("192.168.0.9:1", guess, "203.0.113.1"), from("192.168.0.9:1", right, "198.51.100.1")},
		"this machine":              {from("127.0.0.1:1", guess), from("127.0.0.1:1", right)},
		"a trusted proxy":           {from("10.0.0.1:1", guess, "203.0.113.1"), from("10.0.0.1:1", right, "198.51.100.1")},
		"an IPv6 network by itself": {from("[2001:db8:1::1]:1", guess), from("[2001:db8:2::1]:1", right)},
	} {
		door := New(proxies, "first-token-0123456789")
		for range 10 * Tries {
			door.Admit(c.stranger)
		}
		if ok, wait := door.Admit(c.operator); !ok {
			t.Errorf("%s: strangers' wrong tokens lock an operator out for %v", what, wait)
		}
	}
}

func TestAdmit_RemembersABoundedNumberOfNetworks(t *testing.T) {
	door := New(enrich.Proxies{}, "first-token-0123456789")
	for i := range maxNetworks + 1000 {
		door.Admit(from(fmt.Sprintf("[2001:%x:%x::1]:1", i>>16, i&0xffff), guess))
	}
	if len(door.networks) > maxNetworks {
		t.Errorf("%d networks are remembered, want at most %d", len(door.networks), maxNetworks)
	}
}
