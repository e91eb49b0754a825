package faults

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
)

// A standing is what is known about a session cookie.
type standing uint8

const (
	live  standing = iota // issued, and not ended
	maybe                 // it may have ended: the answer was lost
	dead                  // its end, or its replacement, was acknowledged
)

// A holding is what belongs to one session cookie. Whoever sends the cookie is
// that customer or anonymous, whatever else happens.
type holding struct {
	customer string
	standing standing
	number   int // of the cookies that were issued
}

// A register is a model of who is logged in. It shares no code with what it
// checks. Its key is the cookie and not the visitor, because a browser that lost
// an answer continues with its old cookie, and a thief may have any cookie.
type register struct {
	mu      sync.Mutex
	cookies map[string]*holding
	dead    []string // to be tried again later
	found   findings
}

func newRegister() *register { return &register{cookies: map[string]*holding{}} }

// issued records a cookie that came with an answer.
func (r *register) issued(cookie, customer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.cookies[cookie]; h != nil {
		r.found.add(misidentified, cookie, "the same cookie was issued twice")
		return
	}
	r.cookies[cookie] = &holding{customer: customer, number: len(r.cookies)}
}

// standing returns the standing of a cookie and the customer it belongs to.
func (r *register) standing(cookie string) (standing, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.cookies[cookie]
	if h == nil {
		return dead, ""
	}
	return h.standing, h.customer
}

// doubt records that a cookie's end was requested and the answer was lost.
func (r *register) doubt(cookie string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.cookies[cookie]; h != nil && h.standing == live {
		h.standing = maybe
	}
}

// doubtNamed calls doubt for all cookies whose session ids appear in a text.
func (r *register) doubtNamed(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for cookie, h := range r.cookies {
		if h.standing == live && bytes.Contains(text, []byte(sessionOf(cookie))) {
			h.standing = maybe
		}
	}
}

// count returns how many cookies were issued.
func (r *register) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.cookies)
}

// doubtFrom calls doubt for all cookies but the first so many that were issued.
func (r *register) doubtFrom(issued int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.cookies {
		if h.standing == live && h.number >= issued {
			h.standing = maybe
		}
	}
}

// ended records that a cookie's end was acknowledged.
func (r *register) ended(cookie string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.cookies[cookie]; h != nil && h.standing != dead {
		h.standing = dead
		if h.customer != "" {
			r.dead = append(r.dead, cookie)
		}
	}
}

// touched records that the answer to a page view changed the session cookie.
func (r *register) touched(cookie, mark string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.cookies[cookie]; h != nil && h.standing == live {
		r.found.add(touched, mark, "a page changed the cookie of a live session")
		h.standing = maybe // report this only once
	}
}

// who checks the answer of a route for customers: its status, and the customer
// and session that it named.
func (r *register) who(cookie string, status int, customer, session string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.cookies[cookie]
	switch {
	case h == nil:
		if status == 200 {
			r.found.add(misidentified, cookie, "200 on a cookie that was never issued")
		}
	case status == 200 && h.standing == dead:
		r.found.add(resurrected, cookie, "200 on a cookie whose end was acknowledged")
	case status == 200 && (h.customer == "" || customer != h.customer || session != sessionOf(cookie)):
		r.found.add(misidentified, cookie, "200 for "+customer+" in session "+session+", the cookie is of "+h.customer)
	case status == 401 && h.standing == maybe:
		h.standing = dead // now the end is known
		if h.customer != "" {
			r.dead = append(r.dead, cookie)
		}
	case status == 401 && h.standing == live && h.customer != "":
		r.found.add(wronglyRefused, cookie, "401 for "+h.customer+", who is logged in")
		h.standing = maybe // report this only once
	}
}

// anyDead returns an ended cookie to try again, often one that ended a moment
// ago.
func (r *register) anyDead(random *rand.Rand) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.dead) == 0 {
		return "", false
	}
	from := 0
	if random.IntN(2) == 0 {
		from = max(0, len(r.dead)-20)
	}
	return r.dead[from+random.IntN(len(r.dead)-from)], true
}

// lastDead returns the cookies that ended last.
func (r *register) lastDead(most int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.dead[max(0, len(r.dead)-most):])
}

// take returns the findings since its last call.
func (r *register) take() findings {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.found
	r.found = nil
	return f
}

// report adds a finding of another part of the harness.
func (r *register) report(k kind, id, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.add(k, id, what)
}

// any returns one of the issued cookies.
func (r *register) any() (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for cookie := range r.cookies { // Go's iteration starts at a random key
		return cookie, true
	}
	return "", false
}
