package engine

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// oneDay is a source of one small day.
type oneDay struct{}

func (oneDay) Days(context.Context, report.UTCDay, report.UTCDay) ([]report.DayState, error) {
	return []report.DayState{{Day: 3, Generation: 7}}, nil
}

func (oneDay) ReadDay(_ context.Context, _ report.UTCDay, read report.DayReader) error {
	at := report.UTCDay(3).Start()
	if err := read.Visit(&report.Visit{SessionID: "s", VisitorID: "v", BeganAt: at + 5, LastSeenAt: at + 9, Device: "mobile", Converted: true, Events: []report.Event{{At: at + 5, Type: store.EventPageView, Page: "/a"}, {At: at + 9, Type: "x", ProductID: "17"}}}); err != nil {
		return err
	}
	return read.Order(&report.Order{OrderID: "o", SessionID: "s", At: at + 8, Amount: 5, Currency: "EUR", VisitBeganAt: at + 5})
}

// Whatever is in a file, with a right checksum, is read or refused.
func FuzzDecode(f *testing.F) {
	of := report.DayState{Day: 3, Generation: 7}
	names := newTexts(1 << 20)
	s, err := build(context.Background(), oneDay{}, of, names, 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	whole := encode(s, names)
	again, err := decode(whole, of, newTexts(1<<20))
	if err != nil || again.visits() != 1 || again.column(report.Device).text(0) != "mobile" || again.bytes != s.bytes {
		f.Fatalf("what was written is read as %+v, %v", again, err)
	}
	f.Add(whole[len(magic) : len(whole)-4])
	f.Fuzz(func(_ *testing.T, body []byte) {
		b := append([]byte(magic), body...)
		s, err := decode(binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), of, newTexts(1<<20))
		if err != nil {
			return
		}
		for row := range s.visits() {
			s.eachView(row, func(uint32, int64, bool) {})
			_ = s.column(report.Device).text(row)
		}
	})
}
