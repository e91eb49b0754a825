package footfall_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
)

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	arc, err := sqlitearchive.Open(filepath.Join(dir, "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := footfall.New(footfall.Config{Secrets: []string{"0123456789abcdef0123456789abcdefXYZ"}, Hot: memstore.New(0), Archive: arc, JournalDir: filepath.Join(dir, "journal"), Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s, ok := footfall.FromContext(r.Context())
		fmt.Fprintln(w, ok, s.SessionID, s.CustomerID, s.PageViews)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if err := tr.Login(r.Context(), "c1", time.Now()); err != nil {
			http.Error(w, err.Error(), 503)
		}
	})
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, r *http.Request) {
		o, b, err := tr.PlaceOrder(r.Context(), footfall.Order{OrderID: "o1", Total: footfall.Money{Amount: 100, Currency: "EUR"}})
		fmt.Fprintln(w, o, b, err)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := tr.Logout(r.Context()); err != nil {
			http.Error(w, err.Error(), 503)
		}
	})
	mux.Handle("GET /me", tr.RequireCustomer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hi") })))
	srv := httptest.NewServer(tr.Handler(mux))
	defer srv.Close()
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar}
	do := func(m, p string) {
		req, _ := http.NewRequest(m, srv.URL+p, nil)
		req.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36")
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 500)
		n, _ := resp.Body.Read(b)
		t.Log(m, p, resp.StatusCode, resp.Header, string(b[:n]))
	}
	do("GET", "/?utm_source=x")
	do("GET", "/p1")
	do("GET", "/me")
	do("POST", "/login")
	do("GET", "/me")
	do("POST", "/order")
	do("POST", "/logout")
	do("GET", "/me")
	if err := tr.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", tr.Status(context.Background()))
	arc.Close()
}
