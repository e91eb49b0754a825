package faults

// A kind of finding is one way of not being exact.
type kind string

const (
	lost           kind = "lost"            // acknowledged, and neither stored nor declared
	doubled        kind = "doubled"         // stored more than once, or counted otherwise than stored
	phantom        kind = "phantom"         // stored, and never sent or answered with an error
	resurrected    kind = "resurrected"     // let in after an acknowledged end
	misidentified  kind = "misidentified"   // taken for somebody else
	misattributed  kind = "misattributed"   // stored in another session than its browser's, or as another visitor's
	wronglyRefused kind = "wrongly refused" // 401 for somebody who is logged in
	touched        kind = "cookies touched" // a page changed the cookie of a live session
	orderFailed    kind = "orders failed"   // a sale that got an error
	orderMissing   kind = "orders missing"  // a sale that was answered and is not stored
	misdeclared    kind = "misdeclared"     // the counters say something else than what is missing
	unwell         kind = "unwell"          // the process or the harness did what it must not
)

// kinds in the order in which they are shown.
var kinds = []kind{lost, doubled, phantom, resurrected, misidentified, misattributed, wronglyRefused, touched, orderFailed, orderMissing, misdeclared, unwell}

// A finding is one thing that is not exact.
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
