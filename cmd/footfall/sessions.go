package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/footfall-go/footfall/report"
)

type sessionsCmd struct {
	reader
	Active    bool `help:"Only sessions that are alive and were seen in the last 30 minutes."`
	Converted bool `help:"Only sessions with an order."`
	Limit     int  `default:"50" help:"Greatest number of sessions (default: ${default})."`
}

func (cmd *sessionsCmd) Run(t terminal) error {
	if cmd.Limit < 1 {
		return fmt.Errorf("--limit: %d is too few: use 1 or more", cmd.Limit)
	}
	c, r, done, err := cmd.open()
	if err != nil {
		return err
	}
	defer done()
	filter := report.Filter{Active: cmd.Active, Converted: cmd.Converted, Now: time.Now(), Limit: cmd.Limit}
	sessions, err := report.Sessions(context.Background(), r, filter, c.lifetimes())
	if err != nil {
		return c.readError(err)
	}
	if cmd.JSON {
		return t.printJSON(sessions)
	}
	if len(sessions) == 0 {
		fmt.Fprintln(t.out, "no sessions")
		return nil
	}
	var rows []table.Row
	for _, s := range sessions {
		state := "alive"
		if !s.EndedAt.IsZero() {
			state = string(s.EndReason)
		}
		rows = append(rows, table.Row{s.SessionID, clock(s.StartedAt, c.Location), clock(s.LastSeenAt, c.Location), state,
			dash(s.CustomerID), s.PageViews, dash(s.OrderID), dash(s.Channel), dash(s.Device), dash(short(s.LandingPage, 40))})
	}
	t.printTable(table.Row{"session", "started", "last seen", "state", "customer", "views", "order", "channel", "device", "landing page"}, rows)
	return nil
}
