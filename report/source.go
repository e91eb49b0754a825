package report

import (
	"context"
	"time"
)

// A Source is an archive that reports are made from. It streams what a day's reports need
// and computes no figure, so that all archives give the same ones. [Reader] is for
// single sessions and the present.
//
// Its methods are safe for concurrent use.
type Source interface {
	// Days lists the UTC days from and before to of which something was stored, in order,
	// with their generations.
	Days(ctx context.Context, from, to UTCDay) ([]DayState, error)

	// ReadDay calls read's functions with each session that began on a UTC day, and with each
	// order that was placed on it, in any order. What they are called with is only valid
	// during the call. An error that they return ends the reading and is returned.
	//
	// A session that was folded into another is none; its events are those of the other.
	ReadDay(ctx context.Context, day UTCDay, read DayReader) error
}

// A UTCDay is a number of days since the first of January 1970.
type UTCDay int32

const dayMillis = 24 * 60 * 60 * 1000

// DayOf returns the UTC day of a time.
func DayOf(t time.Time) UTCDay { return DayOfMillis(t.UnixMilli()) }

// DayOfMillis returns the UTC day of a time in Unix milliseconds.
func DayOfMillis(ms int64) UTCDay {
	d := ms / dayMillis
	if ms%dayMillis < 0 {
		d--
	}
	return UTCDay(max(min(d, 1<<31-1), -1<<31))
}

// Start returns the first millisecond of the day.
func (d UTCDay) Start() int64 { return int64(d) * dayMillis }

// A DayState says which version of a day an archive has. Whatever changes what
// [Source.ReadDay] reads of a day gives it another generation, one that it never had before,
// once the change is whole: who reads a generation and then the day has a version that is at
// least as new.
type DayState struct {
	Day        UTCDay
	Generation int64
}

// A DayReader takes what [Source.ReadDay] reads. Either function may be nil.
type DayReader struct {
	Visit func(*Visit) error
	Order func(*Order) error
}

// A Visit is what reports need of a session. Text that is not known is empty; times are in
// Unix milliseconds.
type Visit struct {
	SessionID, VisitorID, CustomerID                    string
	BeganAt, LastSeenAt                                 int64
	Device, Browser, OS, Country, City                  string
	Channel, UTMSource, Medium, Campaign, Term, Content string
	Referrer, LandingPage                               string
	Converted                                           bool
	Events                                              []Event // oldest first
}

// An Event is what reports need of an event.
type Event struct {
	At                    int64
	Type, Page, ProductID string
}

// An Order is what reports need of an order.
type Order struct {
	OrderID, SessionID, VisitorID, CustomerID string
	At                                        int64
	Amount, Refunded                          int64 // minor units of Currency; all refunds, whenever they were
	Currency                                  string
	VisitBeganAt                              int64 // when its session began; 0: the session is not known
}
