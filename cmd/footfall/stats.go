package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/footfall-go/footfall/report"
)

type statsCmd struct {
	reader
	From string `placeholder:"DAY" help:"First day to count, in the shop's time zone."`
	To   string `placeholder:"DAY" help:"Day after the last one to count."`
}

func (cmd *statsCmd) Run(t terminal) error {
	c, r, done, err := cmd.open()
	if err != nil {
		return err
	}
	defer done()
	w := report.Window{Now: time.Now()}
	w.Today = report.Today(w.Now, c.Location)
	if w.From, err = report.ParseDay(cmd.From, c.Location); err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	if w.To, err = report.ParseDay(cmd.To, c.Location); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	if !w.From.IsZero() && !w.To.IsZero() && cmd.From >= cmd.To { // the days: a day that the calendar leaves out begins when the next one does
		return fmt.Errorf("--to: %s is not after --from %s", cmd.To, cmd.From)
	}
	s, err := r.Stats(context.Background(), w)
	if err != nil {
		return c.readError(err)
	}
	if cmd.JSON {
		return t.printJSON(s)
	}
	rows := []table.Row{
		{"active users", fmt.Sprintf("%d (last 30 min), %d (last 5)", s.ActiveUsers, s.ActiveUsers5)},
		{"visits today", s.DailyVisits},
		{"sessions", s.Sessions},
		{"visitors", s.Visitors},
		{"customers", s.Customers},
		{"page views", s.PageViews},
		{"engaged sessions", fmt.Sprintf("%d (bounce rate %.1f %%)", s.Engaged, 100*s.BounceRate)},
		{"sessions with an order", fmt.Sprintf("%d (conversion rate %.1f %%)", s.Converted, 100*s.ConversionRate)},
		{"orders", s.Orders},
		{"revenue", amounts(s.Revenue)},
		{"refunded", amounts(s.Refunded)},
		{"bot views (not in the above)", s.BotViews},
		{"requests past a cap", s.UncountedVisits},
	}
	for _, name := range slices.Sorted(maps.Keys(s.EventsByType)) {
		rows = append(rows, table.Row{"events: " + name, s.EventsByType[name]})
	}
	t.printTable(nil, rows)
	return nil
}
