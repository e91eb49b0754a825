package memstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// places is a mover that knows what each record's document should be.
type places struct {
	at   map[uint32]place
	want map[uint32][]byte
}

func (p *places) standsAt(n uint32, at place) bool { is, ok := p.at[n]; return ok && is == at }
func (p *places) moveTo(n uint32, at place)        { p.at[n] = at }

// Whatever is written, replaced and removed: what is alive is found, and no more than a
// quarter of the memory is of what has died, beside what two segments hold.
func TestDocumentLog_KeepsWhatIsAliveAndLittleElse(t *testing.T) {
	for _, longest := range []int{1, 50, 500, 5000, 40_000} {
		t.Run(fmt.Sprint(longest), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(longest)))
			l, p := newDocumentLog(16<<10), &places{map[uint32]place{}, map[uint32][]byte{}}
			for i := range 20_000 {
				n := uint32(random.IntN(300))
				at, there := p.at[n]
				if there {
					l.remove(at)
					delete(p.at, n)
					delete(p.want, n)
				}
				if !there || random.IntN(3) > 0 {
					doc := bytes.Repeat([]byte{byte(i)}, random.IntN(longest))
					p.want[n] = doc
					p.at[n] = l.add(n, doc, p)
				}
			}
			alive := int64(0)
			for n, doc := range p.want {
				if !bytes.Equal(l.at(p.at[n]), doc) {
					t.Fatalf("the document of record %d became another", n)
				}
				alive += headBytes + int64(len(doc))
			}
			if most := alive*3/2 + 3*16<<10; l.used > most {
				t.Errorf("%d bytes of documents take %d, want at most %d", alive, l.used, most)
			}
			for n, at := range p.at {
				l.remove(at)
				delete(p.at, n)
			}
			if l.compact(p); l.used > 4*16<<10 {
				t.Errorf("no document is left, and they take %d bytes", l.used)
			}
		})
	}
}

// A flood of documents that all stay costs no moves.
func TestDocumentLog_MovesNothingWhileNothingDies(t *testing.T) {
	l := newDocumentLog(64 << 10)
	for n := range uint32(10_000) {
		l.add(n, make([]byte, 500), fixed{t})
	}
}

type fixed struct{ t *testing.T }

func (f fixed) standsAt(uint32, place) bool {
	f.t.Error("a segment of living documents is moved")
	return true
}
func (f fixed) moveTo(uint32, place) {}
