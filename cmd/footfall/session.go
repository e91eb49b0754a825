package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/report"
)

type sessionCmd struct {
	reader
	ID string `arg:"" help:"The session's id."`
}

func (cmd *sessionCmd) Run(t terminal) error {
	c, r, done, err := cmd.open()
	if err != nil {
		return err
	}
	defer done()
	d, ok, err := report.Detail(context.Background(), r, cmd.ID, c.lifetimes(), time.Now())
	if err != nil {
		return c.readError(err)
	}
	if !ok {
		fmt.Fprintf(t.err, "footfall: there is no session %q\n", cmd.ID)
		return errNo
	}
	if cmd.JSON {
		return t.printJSON(d)
	}
	s := d.Session
	remaining := "none: it has ended"
	if d.Alive {
		remaining = timetext.Of(time.Duration(d.Remaining) * time.Second)
	}
	t.printTable(nil, []table.Row{
		{"session", s.SessionID}, {"visitor", s.VisitorID}, {"customer", dash(s.CustomerID)}, {"type", s.Type()},
		{"started", clock(s.StartedAt, c.Location)}, {"last seen", clock(s.LastSeenAt, c.Location)},
		{"ended", clock(s.EndedAt, c.Location)}, {"why", dash(string(s.EndReason))}, {"remaining", remaining},
		{"page views", s.PageViews}, {"converted", s.Converted}, {"order", dash(s.OrderID)},
		{"landing page", dash(s.LandingPage)}, {"referrer", dash(s.Referrer)}, {"channel", dash(s.Channel)},
		{"utm", dash(utm(s.UTMSource, s.UTMMedium, s.UTMCampaign, s.UTMTerm, s.UTMContent))},
		{"device", dash(s.Device)}, {"browser", dash(s.Browser)}, {"os", dash(s.OS)}, {"address", dash(s.IPAddress)}, {"user agent", dash(s.UserAgent)},
	})
	return nil
}

func utm(parts ...string) string {
	text := ""
	for i, name := range []string{"source", "medium", "campaign", "term", "content"} {
		if parts[i] != "" {
			text += name + "=" + parts[i] + " "
		}
	}
	return text
}
