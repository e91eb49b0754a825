package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// loginPatience is how long a customer tries to log in. Each 503 has to say when to
// try again.
const loginPatience = 20 * time.Second

// loginFlood guesses the password of one account, each time from another /64 of one
// /48. Customers of other networks log in meanwhile: to that account from browsers
// that were logged in to it before, to another one from any.
var loginFlood = fault{name: "login flood", open: ownWorld(), mix: &noLogins, more: 8 * time.Second, run: func(w *world, length time.Duration) error {
	known := make([]*visitor, 3)
	for i := range known {
		known[i] = newVisitor(1<<21 + i)
		if a := w.crowd.logIn(known[i], "cust_1"); a.err != nil || a.status != http.StatusOK {
			return fmt.Errorf("before the flood a login was answered with %d: %w", a.status, a.err)
		}
	}
	var guesses, customers atomic.Int64
	lasts := length + 5*time.Second
	until := time.Now().Add(lasts)
	var all sync.WaitGroup
	all.Go(func() {
		w.beside(1000, lasts, func(_ int, random *rand.Rand, _ <-chan struct{}) {
			thief := newKeeper(fmt.Sprintf("2001:db8:77:%x::1", random.IntN(1<<16)))
			a := thief.send(w.crowd.base, "POST", loginAt, strings.NewReader(`{"email":"customer@example.com","password":"guess"}`), "Content-Type", "application/json")
			if a.err == nil && a.status == http.StatusOK {
				w.crowd.register.report(misidentified, "login flood", "a wrong password was accepted")
			}
			guesses.Add(1)
			time.Sleep(500 * time.Millisecond)
		})
	})
	customer := func(who string, next func() (v *visitor, as string)) {
		all.Go(func() {
			for time.Now().Before(until) {
				v, as := next()
				w.mustLogIn(who, v, as)
				customers.Add(1)
				time.Sleep(200 * time.Millisecond)
			}
		})
	}
	for _, v := range known {
		customer("a browser that was logged in before", func() (*visitor, string) { return v, "cust_1" })
	}
	number := 1 << 22
	customer("a browser of another network", func() (*visitor, string) { number++; return newVisitor(number), "cust_2" })
	all.Wait()
	keeping.CloseIdleConnections()
	w.t.Logf("%d guesses from one /48, and %d logins of customers", guesses.Load(), customers.Load())
	return nil
}}

// mustLogIn logs in, and again after each 503, and reports a customer who cannot.
func (w *world) mustLogIn(who string, v *visitor, as string) {
	until := time.Now().Add(loginPatience)
	for {
		a := w.crowd.logIn(v, as)
		switch {
		case a.err == nil && a.status == http.StatusOK:
			return
		case a.err == nil && a.status == http.StatusServiceUnavailable && a.again == "":
			w.crowd.register.report(unwell, "login flood", "a login was answered with 503 that does not say when to try again")
		case a.err == nil && a.status != http.StatusServiceUnavailable:
			w.crowd.register.report(wronglyRefused, "login flood", fmt.Sprintf("%s has the right password of %s and was answered with %d", who, as, a.status))
			return
		}
		if time.Now().After(until) {
			w.crowd.register.report(unwell, "login flood", fmt.Sprintf("%s could not log in as %s within %v", who, as, loginPatience))
			return
		}
		time.Sleep(time.Second)
	}
}
