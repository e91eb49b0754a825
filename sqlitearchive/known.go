package sqlitearchive

import "github.com/footfall-go/footfall/report"

// known has what facts of a session need of its rows, for the sessions that were written
// lately: looking it up took as long as writing the facts. It has sessions all of whose
// keys are UUIDs.
type known struct {
	recent, older map[[16]byte]knownSession
}

type knownSession struct {
	number             int64
	visitor, lastEvent [16]byte
	hasOwn             bool // a row in activity
	day                report.UTCDay
}

// maxKnown is how many sessions recent has, in about 6 MB. With older there are at most
// twice as many.
const maxKnown = 1 << 16

func (k *known) clear() {
	k.recent, k.older = map[[16]byte]knownSession{}, map[[16]byte]knownSession{}
}

// find fills in what is known of a touch's session.
func (k *known) find(t *touch) bool {
	s, ok := k.recent[t.id.uuid]
	if !ok {
		s, ok = k.older[t.id.uuid]
	}
	if ok {
		t.known, t.number, t.visitor, t.lastEvent, t.hasOwn, t.day = true, s.number, key{uuid: s.visitor}, key{uuid: s.lastEvent}, s.hasOwn, s.day
	}
	return ok
}

// keep keeps what a round has written of a session.
func (k *known) keep(t *touch) {
	if t.id.text != "" || t.visitor.text != "" || t.lastEvent.text != "" {
		k.drop(t.id)
		return
	}
	if len(k.recent) >= maxKnown {
		k.recent, k.older = map[[16]byte]knownSession{}, k.recent
	}
	k.recent[t.id.uuid] = knownSession{t.number, t.visitor.uuid, t.lastEvent.uuid, t.hasOwn, t.day}
}

func (k *known) drop(id key) {
	delete(k.recent, id.uuid)
	delete(k.older, id.uuid)
}
