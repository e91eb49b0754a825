package loginguard_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/footfall-go/footfall/loginguard"
)

// A handler for logins. visitor is what footfall.Visitor returned, addr the client's
// address.
func ExampleGuard_Check() {
	guard := loginguard.New(loginguard.Config{})
	compare := func(email, password string) bool { return password == "correct" } // with bcrypt, for every address
	login := func(r *http.Request, email, password, visitor string, addr netip.Addr) (status int, retryAfter string) {
		right, err := guard.Check(r.Context(), loginguard.Login{Account: email, Device: visitor, From: addr}, func() (bool, error) {
			return compare(email, password), nil
		})
		var paused *loginguard.PausedError
		switch {
		case errors.As(err, &paused):
			return http.StatusTooManyRequests, strconv.Itoa(int(paused.Wait/time.Second) + 1)
		case err != nil:
			return http.StatusServiceUnavailable, "2"
		case !right:
			return http.StatusUnauthorized, ""
		}
		return http.StatusOK, ""
	}

	r, _ := http.NewRequest("POST", "/login", nil)
	home, abroad := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.7")
	status, _ := login(r, "owner@example.com", "correct", "the owner's visitor id", home)
	fmt.Println("the owner:", status)
	for range 10 {
		status, _ = login(r, "owner@example.com", "guess", "", abroad)
	}
	fmt.Println("the tenth guess:", status)
	status, after := login(r, "owner@example.com", "guess", "", abroad)
	fmt.Println("one more:", status, "Retry-After", after)
	status, _ = login(r, "owner@example.com", "correct", "the owner's visitor id", abroad)
	fmt.Println("the owner, even from there:", status)
	// Output:
	// the owner: 200
	// the tenth guess: 401
	// one more: 429 Retry-After 60
	// the owner, even from there: 200
}
