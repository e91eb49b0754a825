package engine_test

import (
	"context"

	"github.com/footfall-go/footfall/report"
)

// counting counts the days that are read.
type counting struct {
	report.Source
	days int
}

func (c *counting) ReadDay(ctx context.Context, day report.UTCDay, read report.DayReader) error {
	c.days++
	return c.Source.ReadDay(ctx, day, read)
}
