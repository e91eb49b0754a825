package engine

import (
	"sort"

	"github.com/footfall-go/footfall/report"
)

// A segment is what reports need of one UTC day, in columns: the visits that began on it, in
// the order of their begin, with their events, and the orders that were placed on it. It is
// not changed once it is built.
type segment struct {
	day        report.UTCDay
	generation int64
	start      int64 // Unix milliseconds

	began   []uint32 // milliseconds after start
	did     []did
	visitor []uint32             // number of the visitor
	single  [len(singles)]column // dimensions of which a visit has one value

	firstEvent []uint32 // of each visit, and at the end their number
	eventAt    []uint32 // milliseconds after the begin of the visit
	isView     []bool
	page       column // of page views
	product    column
	kind       column // types of events

	orders    []order
	converted map[string]uint32 // rows of the visits with orders, by session id
	bytes     int
}

// did is what was done in a visit.
type did struct {
	took  uint32 // milliseconds from the first activity to the last; 0: there was one
	views uint32
	flags uint32
}

const (
	engaged = 1 << iota
	converted
)

// singles are the dimensions of which a visit has one value or none.
var singles = [...]report.Dimension{
	report.Channel, report.Medium, report.Campaign, report.Term, report.Content, report.Referrer, report.Landing, report.Exit,
	report.Country, report.City, report.Device, report.Browser, report.OS,
}

func singleOf(d report.Dimension) int {
	for i, s := range singles {
		if s == d {
			return i
		}
	}
	return -1
}

// An order is one sale. Its visit may have begun on another day.
type order struct {
	at               int64
	currency         string
	amount, refunded int64
	session          string // empty: it belongs to no visit
	visitDay         report.UTCDay
}

// measure notes how many bytes the segment takes, about.
func (s *segment) measure() {
	s.bytes = s.page.size() + s.product.size() + s.kind.size() + 24*len(s.began) + 5*len(s.eventAt) + 120*len(s.orders) + 64*len(s.converted)
	for i := range s.single {
		s.bytes += s.single[i].size()
	}
}

func (s *segment) visits() int { return len(s.began) }

// between are the visits that began in a range.
func (s *segment) between(from, to int64) (first, end int) {
	at := func(ms int64) int {
		return sort.Search(len(s.began), func(i int) bool { return s.start+int64(s.began[i]) >= ms })
	}
	return at(from), at(to)
}

// column is the column of a dimension of which visits have one value.
func (s *segment) column(d report.Dimension) *column { return &s.single[singleOf(d)] }

// visit finds the visit of an order.
func (s *segment) visit(session string) (row int, ok bool) {
	n, ok := s.converted[session]
	return int(n), ok
}
