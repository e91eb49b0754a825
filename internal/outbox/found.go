package outbox

import "github.com/footfall-go/footfall/store"

// maxFound is how many bytes of records with orders and refunds are kept for
// [Outbox.Found]. Those past it are not known to be there before the archive holds them.
const maxFound = 16 << 20

// A Found is a fact that the last run left in the journal.
type Found struct {
	Position Position
	Fact     store.Fact
}

// Found returns the orders and refunds that the last run left in the journal, oldest
// first. Only the first call does.
func (b *Outbox) Found() []Found {
	sold := b.sold
	b.sold = nil
	return sold
}

// found is called while the journal is opened.
func (b *Outbox) found(at Position, record []byte) {
	if len(record) == 0 || record[0] != kindOrderPlaced && record[0] != kindOrderRefunded {
		return
	}
	if b.soldBytes > maxFound {
		b.salesUnknown.Add(1)
		return
	}
	fact, _, err := decode(record)
	if err != nil {
		return // it is set aside when its turn comes
	}
	b.soldBytes += len(record)
	b.sold = append(b.sold, Found{at, fact})
}
