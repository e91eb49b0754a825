package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/footfall-go/footfall/report"
)

// reader is what commands that only look have in common.
type reader struct {
	Settings `kong:"embed"`
	JSON     bool `name:"json" help:"Print JSON."`
}

// open compiles the settings and opens the database for reading.
func (r *reader) open() (c *config, from report.Reader, done func(), err error) {
	if c, err = r.compile("production"); err != nil {
		return nil, nil, nil, err
	}
	if in, err := readDoor(c.dataDir); err == nil {
		r.SessionTTL = cmp.Or(r.SessionTTL, in.SessionTTL)
		r.SessionMaxAge = cmp.Or(r.SessionMaxAge, in.SessionMaxAge)
		r.Timezone = cmp.Or(r.Timezone, in.Timezone)
		if c, err = r.compile("production"); err != nil {
			return nil, nil, nil, err
		}
	}
	a, err := openReader(c)
	if err != nil {
		return nil, nil, nil, err
	}
	return c, a, func() { a.Close() }, nil
}

type statsCmd struct {
	reader
	From string `placeholder:"DAY" help:"First day to count, in the shop's time zone."`
	To   string `placeholder:"DAY" help:"Day before which to stop."`
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
	if !w.To.IsZero() && !w.From.Before(w.To) {
		return fmt.Errorf("--to: %s is not after --from %s", cmd.To, cmd.From)
	}
	s, err := r.Stats(context.Background(), w)
	if err != nil {
		return err
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

type sessionsCmd struct {
	reader
	Active    bool `help:"Only those seen in the last 30 minutes and alive."`
	Converted bool `help:"Only those with an order."`
	Limit     int  `default:"50" help:"How many at most (${default})."`
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
		return err
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
		return err
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
		remaining = (time.Duration(d.Remaining) * time.Second).String()
	}
	t.printTable(nil, []table.Row{
		{"session", s.SessionID}, {"visitor", s.VisitorID}, {"customer", dash(s.CustomerID)}, {"type", s.Type},
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

type eventsCmd struct {
	reader
	ID    string `arg:"" name:"session-id" help:"The session's id."`
	Limit int    `default:"10000" help:"How many of the latest at most (${default})."`
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
		return err
	} else if !ok {
		fmt.Fprintf(t.err, "footfall: there is no session %q\n", cmd.ID)
		return errNo
	}
	events, err := r.Events(context.Background(), cmd.ID, cmd.Limit)
	if err != nil {
		return err
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

type configCmd struct {
	reader
}

func (cmd *configCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	if cmd.JSON {
		return t.printJSON(c.effective)
	}
	var rows []table.Row
	for _, s := range c.effective {
		source := "default"
		if s.Set {
			source = "set"
		}
		rows = append(rows, table.Row{s.Name, dash(s.Value), source})
	}
	t.printTable(table.Row{"setting", "value", ""}, rows)
	return nil
}
