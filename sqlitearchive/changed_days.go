package sqlitearchive

import (
	"math/rand/v2"
	"slices"

	"github.com/footfall-go/footfall/report"
)

// changedDays are the UTC days of which a batch changes what reports read.
type changedDays []report.UTCDay

// change adds a day. A batch changes few.
func (d *changedDays) change(day report.UTCDay) {
	if i := len(*d) - 1; i >= 0 && (*d)[i] == day {
		return
	}
	if i, there := slices.BinarySearch(*d, day); !there {
		*d = slices.Insert(*d, i, day)
	}
}

// renew gives the days other generations, at random, so that neither another database nor
// one that was restored from a copy has another content under the same generation.
func (d *changedDays) renew(c *conn) error {
	for _, day := range *d {
		if err := c.exec(`INSERT INTO report_days (day, generation) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET generation = ?2`, int64(day), rand.Int64()); err != nil {
			return err
		}
	}
	return nil
}

// changeOrders notes that some orders change.
func (b *batch) changeOrders(which string, arg any) error {
	return b.c.rows(`SELECT created_at FROM orders WHERE `+which, func(s *stmt) { b.days.change(report.DayOfMillis(s.columnInt(0))) }, arg)
}
