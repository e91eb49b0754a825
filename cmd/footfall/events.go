package main

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
)

type eventsCmd struct {
	reader
	ID    string `arg:"" name:"session-id" help:"The session's id."`
	Limit int    `default:"10000" help:"Greatest number of events, the latest ones (default: ${default})."`
}

func (cmd *eventsCmd) Run(t terminal) error {
	if cmd.Limit < 1 {
		return fmt.Errorf("--limit: %d is too few: use 1 or more", cmd.Limit)
	}
	c, r, done, err := cmd.open()
	if err != nil {
		return err
	}
	defer done()
	if _, ok, err := r.Session(context.Background(), cmd.ID); err != nil {
		return c.readError(err)
	} else if !ok {
		fmt.Fprintf(t.err, "footfall: there is no session %q\n", cmd.ID)
		return errNo
	}
	events, err := r.Events(context.Background(), cmd.ID, cmd.Limit)
	if err != nil {
		return c.readError(err)
	}
	if cmd.JSON {
		return t.printJSON(events)
	}
	var rows []table.Row
	for _, e := range events {
		rows = append(rows, table.Row{clock(e.CreatedAt, c.Location), e.EventType, dash(short(e.Page, 60)), dash(e.ProductID), dash(short(string(e.Metadata), 60))})
	}
	t.printTable(table.Row{"time", "event", "page", "product", "metadata"}, rows)
	return nil
}
