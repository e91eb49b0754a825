package faults

import "testing"

// TestRegister_DoubtsOnlyWhatWasIssuedSince: what a kill on a full disk may cost is only
// excused for cookies of that time.
func TestRegister_DoubtsOnlyWhatWasIssuedSince(t *testing.T) {
	r := newRegister()
	r.issued("before", "cust_1")
	n := r.count()
	r.issued("since", "cust_1")
	r.issued("ended", "cust_1")
	r.ended("ended")
	r.doubtFrom(n)
	for cookie, want := range map[string]standing{"before": live, "since": maybe, "ended": dead} {
		if got, _ := r.standing(cookie); got != want {
			t.Errorf("the cookie %q stands at %d, want %d: others would be excused, or findings made of what may be lost", cookie, got, want)
		}
	}
}

// TestLoad_ForgetsWhoseSessionMayBeGone: a visitor whose cookie is in doubt does not
// return, all others do.
func TestLoad_ForgetsWhoseSessionMayBeGone(t *testing.T) {
	c := &crowd{ledger: newLedger("m1-"), register: newRegister()}
	l := newLoad(c, 1, everyday, 1)
	for _, cookie := range []string{"a", "b", "c"} {
		c.register.issued(cookie, "")
		v := newVisitor(len(l.idle))
		v.session = cookie
		l.idle = append(l.idle, v)
	}
	c.register.doubt("b")
	l.forget()
	if len(l.idle) != 2 || l.idle[0].session != "a" || l.idle[1].session != "c" {
		t.Errorf("%d visitors may return, want those of the cookies a and c", len(l.idle))
	}
}
