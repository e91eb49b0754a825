package faults

// A kind of finding is one way in which a shop can be wrong.
type kind string

const (
	lost           kind = "lost"            // acknowledged, and neither stored nor declared
	doubled        kind = "doubled"         // stored more than once, or the count differs from what is stored
	phantom        kind = "phantom"         // stored although it was never sent or was answered with an error
	resurrected    kind = "resurrected"     // let in after an acknowledged logout
	misidentified  kind = "misidentified"   // taken for another customer
	misattributed  kind = "misattributed"   // stored in another browser's session, or as another visitor's
	wronglyRefused kind = "wrongly refused" // 401 for a customer who is logged in
	touched        kind = "cookies touched" // a page changed the cookie of a live session
	orderFailed    kind = "orders failed"   // a sale was answered with an error
	orderMissing   kind = "orders missing"  // a sale was acknowledged and is not stored
	misdeclared    kind = "misdeclared"     // the counters differ from what is missing
	unwell         kind = "unwell"          // the process or the harness did something that it must not
)

// kinds lists the kinds in the order in which they are shown.
var kinds = []kind{lost, doubled, phantom, resurrected, misidentified, misattributed, wronglyRefused, touched, orderFailed, orderMissing, misdeclared, unwell}

// A finding is one thing that is wrong.
type finding struct {
	kind     kind
	id, what string
}

type findings []finding

func (f *findings) add(k kind, id, what string) { *f = append(*f, finding{k, id, what}) }

func (f findings) count(k kind) (n int) {
	for _, x := range f {
		if x.kind == k {
			n++
		}
	}
	return n
}
