package main

import (
	"context"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// views is how many page views an archive holds.
func views(a *sqlitearchive.Archive) (int64, error) {
	s, err := a.Stats(context.Background(), report.Window{Now: time.Now(), Today: time.Now()})
	return s.PageViews, err
}
