package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// counting is a server that gives each visitor a cookie and counts in it.
func counting(t *testing.T, before func()) (addr string, served *atomic.Int64) {
	t.Helper()
	served = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before != nil {
			before()
		}
		served.Add(1)
		n := 0
		if c, err := r.Cookie("n"); err == nil {
			n, _ = strconv.Atoi(c.Value)
		}
		http.SetCookie(w, &http.Cookie{Name: "n", Value: strconv.Itoa(n + 1), Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "other", Value: "o", Path: "/"})
		_, _ = io.WriteString(w, fmt.Sprintf("%d %s", n, r.Header.Get("Sec-Fetch-Mode")))
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), served
}

func connect(t *testing.T, addr string, n int, form Form) []*Visitor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	visitors, err := Connect(ctx, addr, n, form, "/")
	if err != nil {
		t.Fatal(err)
	}
	return visitors
}

func TestVisitor_KeepsItsCookies(t *testing.T) {
	addr, _ := counting(t, nil)
	for form, want := range map[Form]string{Browser: "5 navigate", Minimal: "5 "} {
		v := connect(t, addr, 1, form)[0]
		for range 5 {
			if err := v.Do(); err != nil {
				t.Fatal(err)
			}
		}
		if body, err := v.Get("/"); err != nil || string(body) != want {
			t.Errorf("%s: after five requests the server sees %q, %v; want %q", form, body, err, want)
		}
		if v.Cookies() != 2 {
			t.Errorf("%d cookies", v.Cookies())
		}
		v.Forget()
		if body, err := v.Get("/"); err != nil || string(body[:1]) != "0" {
			t.Errorf("a new visitor is known: %q, %v", body, err)
		}
	}
}

func TestClosed_MakesEachRequestOnce(t *testing.T) {
	addr, served := counting(t, nil)
	if _, err := Closed(t.Context(), connect(t, addr, 8, Browser), 500, false); err != nil {
		t.Fatal(err)
	}
	if served.Load() != 500 {
		t.Errorf("%d requests instead of 500", served.Load())
	}
}

func TestOpen_CountsEachRequest(t *testing.T) {
	addr, served := counting(t, nil)
	visitors := connect(t, addr, 8, Browser)
	for range 2 { // the connections go on
		served.Store(0)
		l, sent, err := Open{Rate: 500, For: 300 * time.Millisecond, VisitLength: 5}.Run(t.Context(), visitors)
		if err != nil || int64(sent) != served.Load() || len(l.sorted) != sent || sent < 75 || sent > 300 {
			t.Errorf("sent %d of about 150, served %d, measured %d: %v", sent, served.Load(), len(l.sorted), err)
		}
	}
}

// A server that stands still for 200 ms makes everybody wait who comes meanwhile,
// not only the one request that it was handling.
func TestOpen_LatenessCounts(t *testing.T) {
	var n atomic.Int64
	addr, _ := counting(t, func() {
		if n.Add(1) == 50 {
			time.Sleep(200 * time.Millisecond)
		}
	})
	l, sent, err := Open{Rate: 500, For: 400 * time.Millisecond}.Run(t.Context(), connect(t, addr, 1, Minimal))
	if err != nil {
		t.Fatal(err)
	}
	late := 0
	for _, d := range l.sorted {
		if d > 20*time.Millisecond {
			late++
		}
	}
	if late < 30 {
		t.Errorf("%d of %d requests were late, although some 100 were due while the server stood still", late, sent)
	}
}
