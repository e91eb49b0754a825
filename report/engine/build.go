package engine

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// A builder makes a segment of the visits and orders that it is given.
type builder struct {
	s        *segment
	texts    *texts
	visitors *numbering
	single   [len(singles)]*dictionary
	pages    *dictionary
	products *dictionary
	kinds    *dictionary

	visits  []visitRow
	most    int      // bytes that it may take
	pageOf  []uint32 // of each event, in the order in which visits came
	prodOf  []uint32
	kindOf  []uint32
	eventAt []uint32
	isView  []bool
}

// A visitRow is a visit before the visits are in order.
type visitRow struct {
	did
	began, visitor     uint32
	codes              [len(singles)]uint32
	firstEvent, events int
	session            string // of visits with an order
}

// errTooLarge says that a day, or what is in memory of all days, would take too many bytes.
var errTooLarge = errors.New("more than fits into memory")

// build reads a day. It gives up when that takes more than most bytes.
func build(ctx context.Context, source report.Source, of report.DayState, m *texts, most int) (*segment, error) {
	b := &builder{
		most: most, texts: m,
		s:        &segment{day: of.Day, generation: of.Generation, start: of.Day.Start(), converted: map[string]uint32{}},
		visitors: m.visitors, pages: newDictionary(m.pages), products: newDictionary(m.products), kinds: newDictionary(m.kinds),
	}
	for i := range b.single {
		b.single[i] = newDictionary(m.single[i])
	}
	if err := source.ReadDay(ctx, of.Day, report.DayReader{Visit: b.visit, Order: b.order}); err != nil {
		return nil, err
	}
	return b.finish(), nil
}

// room returns an error if the builder takes too much, or the numberings do. It counts what
// is needed until the columns are made, which is about twice what they take.
func (b *builder) room() error {
	n := 200*len(b.visits) + 40*len(b.eventAt) + 250*len(b.s.orders)
	known := len(b.pages.texts) + len(b.products.texts)
	for _, d := range b.single {
		known += len(d.texts)
	}
	if n+64*known > b.most || b.texts.full() {
		return errTooLarge
	}
	return nil
}

func clamp(ms int64) uint32 { return uint32(max(min(ms, math.MaxUint32), 0)) } //nolint:gosec // fits

func (b *builder) visit(v *report.Visit) error {
	row := visitRow{
		began: clamp(v.BeganAt - b.s.start), did: did{took: clamp(v.LastSeenAt - v.BeganAt)}, visitor: b.visitors.of(visitorOf(v)),
		firstEvent: len(b.eventAt), events: len(v.Events),
	}
	if len(b.visits)%64 == 0 {
		giveWay()
	}
	if !slices.IsSortedFunc(v.Events, inOrder) {
		slices.SortStableFunc(v.Events, inOrder)
	}
	if n, at := activities(v.Events); n <= 1 && row.took < sameMoment && (n == 0 || v.LastSeenAt <= at) {
		row.took = 0
	}
	landing, exit, seen := v.LandingPage, v.LandingPage, false
	for i := range v.Events {
		e := &v.Events[i]
		view := e.Type == store.EventPageView
		var page uint32
		if view {
			row.views++
			page = b.pages.code(e.Page, report.PageKey)
			if !seen {
				landing, seen = e.Page, true
			}
			exit = e.Page
		}
		b.pageOf = append(b.pageOf, page)
		b.prodOf = append(b.prodOf, b.products.code(e.ProductID, asIs))
		b.kindOf = append(b.kindOf, b.kinds.code(e.Type, report.EventKey))
		b.eventAt = append(b.eventAt, clamp(e.At-v.BeganAt))
		b.isView = append(b.isView, view)
	}
	for i, d := range singles {
		row.codes[i] = b.code(i, d, v, landing, exit)
	}
	const longer = 10_000 // ms
	if v.Converted {
		row.flags |= converted
		row.session = strings.Clone(v.SessionID)
	}
	if v.Converted || row.views >= 2 || row.took > longer {
		row.flags |= engaged
	}
	b.visits = append(b.visits, row)
	return b.room()
}

// sameMoment is how much later than the begin of a visit the activity with which it began may
// be recorded.
const sameMoment = 1000 // ms

// activities counts the events that are activity of the visitor, and says when the latest was.
func activities(events []report.Event) (n int, at int64) {
	for i := range events {
		if kind := events[i].Type; kind != store.EventOrderCompleted && kind != store.EventRefund {
			n++
			at = events[i].At
		}
	}
	return n, at
}

// inOrder compares events by time, and those of one millisecond by what they are, because
// archives may stream these in any order.
func inOrder(x, y report.Event) int {
	return cmp.Or(cmp.Compare(x.At, y.At), strings.Compare(x.Type, y.Type), strings.Compare(x.Page, y.Page), strings.Compare(x.ProductID, y.ProductID))
}

// visitorOf is whose a visit is. One without a visitor is a visitor of its own.
func visitorOf(v *report.Visit) string {
	if v.VisitorID == "" {
		return "session " + v.SessionID
	}
	return v.VisitorID
}

func (b *builder) code(i int, d report.Dimension, v *report.Visit, landing, exit string) uint32 {
	dict := b.single[i]
	switch d {
	case report.Landing:
		return dict.code(landing, report.PageKey)
	case report.Exit:
		return dict.code(exit, report.PageKey)
	case report.Medium:
		return dict.code(v.Medium, report.TextKey)
	case report.Campaign:
		return dict.code(v.Campaign, report.TextKey)
	case report.Term:
		return dict.code(v.Term, report.TextKey)
	case report.Content:
		return dict.code(v.Content, report.TextKey)
	case report.Referrer:
		return dict.code(v.Referrer, report.ReferrerKey)
	case report.Channel:
		return dict.code(v.Channel, asIs)
	case report.Country:
		return dict.code(v.Country, asIs)
	case report.City:
		if v.City == "" {
			return 0
		}
		return dict.code(v.Country+"/"+v.City, asIs)
	case report.Device:
		return dict.code(v.Device, asIs)
	case report.Browser:
		return dict.code(v.Browser, asIs)
	default:
		return dict.code(v.OS, asIs)
	}
}

func (b *builder) order(o *report.Order) error {
	began := o.VisitBeganAt
	if began == 0 && o.SessionID != "" { // its id says when, about
		if at, ok := store.IDTime(o.SessionID); ok {
			began = at.UnixMilli()
		}
	}
	b.s.orders = append(b.s.orders, order{
		at: o.At, currency: strings.ToUpper(o.Currency), amount: o.Amount, refunded: o.Refunded,
		session: strings.Clone(o.SessionID), visitDay: report.DayOfMillis(began),
	})
	return b.room()
}

// finish puts the visits in order.
func (b *builder) finish() *segment {
	s, n := b.s, len(b.visits)
	slices.SortStableFunc(b.visits, func(x, y visitRow) int { return int(int64(x.began) - int64(y.began)) })
	slices.SortStableFunc(s.orders, func(x, y order) int { return int(min(max(x.at-y.at, -1), 1)) })
	s.began, s.did, s.visitor = make([]uint32, n), make([]did, n), make([]uint32, n)
	s.firstEvent = make([]uint32, n+1)
	codes := make([]uint32, n)
	events := len(b.eventAt)
	s.eventAt, s.isView = make([]uint32, 0, events), make([]bool, 0, events)
	pages, products, kinds := make([]uint32, 0, events), make([]uint32, 0, events), make([]uint32, 0, events)
	for i := range b.visits {
		v := &b.visits[i]
		s.began[i], s.did[i], s.visitor[i] = v.began, v.did, v.visitor
		s.firstEvent[i] = uint32(len(s.eventAt)) //nolint:gosec // fits
		of := func(all []uint32) []uint32 { return all[v.firstEvent : v.firstEvent+v.events] }
		s.eventAt = append(s.eventAt, of(b.eventAt)...)
		s.isView = append(s.isView, b.isView[v.firstEvent:v.firstEvent+v.events]...)
		pages, products, kinds = append(pages, of(b.pageOf)...), append(products, of(b.prodOf)...), append(kinds, of(b.kindOf)...)
		if v.session != "" {
			s.converted[v.session] = uint32(i) //nolint:gosec // fits
		}
	}
	s.firstEvent[n] = uint32(len(s.eventAt)) //nolint:gosec // fits
	for d, dict := range b.single {
		for i := range b.visits {
			codes[i] = b.visits[i].codes[d]
		}
		s.single[d] = dict.column(slices.Clone(codes))
	}
	s.page, s.product, s.kind = b.pages.column(pages), b.products.column(products), b.kinds.column(kinds)
	s.measure()
	return s
}
