package faults

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
)

// A standing is what is known of a session cookie.
type standing uint8

const (
	live  standing = iota // issued, and nobody ended it
	maybe                 // an answer that may have ended it was lost
	dead                  // its end, or its successor, was acknowledged
)

// A holding is what stands behind one session cookie. Whoever sends it is that
// customer or nobody, whatever else happens.
type holding struct {
	customer string
	standing standing
}

// A register is a model of who is logged in that shares no code with what it
// checks. It is by cookie, not by visitor: a browser that lost an answer goes on
// with its old cookie, and a thief with any.
type register struct {
	mu      sync.Mutex
	cookies map[string]*holding
	dead    []string // to be tried again
	found   findings
}

func newRegister() *register { return &register{cookies: map[string]*holding{}} }

// issued notes a cookie that came with an answer.
func (r *register) issued(cookie, customer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.cookies[cookie]; h != nil {
		r.found.add(misidentified, cookie, "the same cookie was issued twice")
		return
	}
	r.cookies[cookie] = &holding{customer: customer}
}

// standing of a cookie, and the customer it is good for.
func (r *register) standing(cookie string) (standing, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.cookies[cookie]
	if h == nil {
		return dead, ""
	}
	return h.standing, h.customer
}

// doubt notes that a cookie's end was asked for and the answer is not known.
func (r *register) doubt(cookie string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.cookies[cookie]; h != nil && h.standing == live {
		h.standing = maybe
	}
}

// doubtNamed is doubt of all cookies whose sessions a text names.
func (r *register) doubtNamed(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for cookie, h := range r.cookies {
		if h.standing == live && bytes.Contains(text, []byte(sessionOf(cookie))) {
			h.standing = maybe
		}
	}
}

// ended notes that a cookie's end was acknowledged.
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

// touched notes that the answer to a page view brought another session cookie.
func (r *register) touched(cookie, mark string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.cookies[cookie]; h != nil && h.standing == live {
		r.found.add(touched, mark, "a page changed the cookie of a live session")
		h.standing = maybe // once is enough
	}
}

// who checks an answer of a route for customers: status, and the customer and
// session it named.
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
		h.standing = dead // now it is known
		if h.customer != "" {
			r.dead = append(r.dead, cookie)
		}
	case status == 401 && h.standing == live && h.customer != "":
		r.found.add(wronglyRefused, cookie, "401 for "+h.customer+", who is logged in")
		h.standing = maybe // once is enough
	}
}

// anyDead is a cookie to be tried again: often one whose end was a moment ago.
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

// lastDead are the cookies that ended last.
func (r *register) lastDead(most int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.dead[max(0, len(r.dead)-most):])
}

// take returns what was found since it was called last.
func (r *register) take() findings {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.found
	r.found = nil
	return f
}

// report adds a finding of somebody who saw it.
func (r *register) report(k kind, id, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.add(k, id, what)
}

// any is some cookie that was issued.
func (r *register) any() (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for cookie := range r.cookies { // Go begins anywhere
		return cookie, true
	}
	return "", false
}
