package hot

import (
	"fmt"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/wire"
)

// documentFields walks the fields of a document for a store in this process, to write
// them or to read them. The series is the first. Members of other versions, which a
// document in JSON may have, have nowhere to come from.
func documentFields(w *wire.Wire, d *live.Document) {
	w.Text(50, &d.Series)
	w.ID(2, &d.VisitorID)
	w.Record(&d.Record)
	w.Int(51, &d.Events)
	w.Int(52, &d.Orders)
	w.Time(53, &d.RestoredAt)
	w.Flag(54, &d.Unbegun)
	w.Time(55, &d.RotatedAt)
}

// appendCompact appends a document for a store in this process: all of it but the id
// under which it is stored.
func appendCompact(b []byte, d *live.Document) []byte {
	w := wire.Write(b)
	documentFields(&w, d)
	return w.Written()
}

// decodeCompact reads a document that was stored under an id.
func decodeCompact(id string, doc []byte) (live.Document, error) {
	d := live.Document{Unknown: none}
	d.SessionID = id
	w := wire.Read(string(doc))
	for w.More() {
		documentFields(&w, &d)
	}
	if err := w.Err(); err != nil {
		return live.Document{}, fmt.Errorf("session record: %w", err)
	}
	return d, nil
}

// compactSeries is the series of a document.
func compactSeries(doc []byte) (series string) {
	w := wire.Read(string(doc[:min(len(doc), 64)])) // it is a short word, and comes first
	if w.More() {
		w.Text(50, &series)
	}
	return series
}
