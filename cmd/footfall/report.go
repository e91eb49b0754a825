package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/report/engine"
	"github.com/footfall-go/footfall/store"
)

type reportCmd struct {
	reader
	Name     string   `arg:"" help:"One of: ${reports}."`
	From     string   `placeholder:"DAY" help:"First day, or time. Default: 28 days before the end."`
	To       string   `placeholder:"DAY" help:"Day after the last one, or time."`
	Last     string   `placeholder:"DAY" help:"Last day, instead of --to. Default: today."`
	Filter   []string `placeholder:"DIMENSION:OP:VALUE" sep:"none" help:"Only visits for which this holds, as country:is:FR|DE, page:begins:/p/. OP: is, not, contains, begins. Several: all hold."`
	Compare  string   `placeholder:"previous|year|FROM..TO" help:"Show the figures of another range too."`
	Match    string   `placeholder:"weekday|date" help:"How a compared range is matched."`
	Interval string   `placeholder:"hour|day|week|month" help:"Of the report series. Default: day."`
	Steps    string   `placeholder:"STEP,…" help:"Of the report funnel: event:NAME, page:PREFIX, product:ID. Default: the shop's."`
	Sort     string   `placeholder:"FIELD" help:"Order of the rows; -FIELD for the greatest first."`
	Limit    string   `placeholder:"N" help:"Greatest number of rows. Default: 10."`
	Cursor   string   `placeholder:"TEXT" help:"Go on where an answer ended: its next."`
	CSV      bool     `name:"csv" help:"Print CSV."`
}

func (cmd *reportCmd) Run(t terminal) error {
	if cmd.CSV && cmd.JSON {
		return errors.New("--csv and --json are two forms: use one of them")
	}
	c, source, done, err := cmd.open()
	if err != nil {
		return err
	}
	defer done()
	p := url.Values{}
	for name, value := range map[string]string{
		"from": cmd.From, "to": cmd.To, "last": cmd.Last, "compare": cmd.Compare, "match": cmd.Match, "interval": cmd.Interval, "steps": cmd.Steps, "sort": cmd.Sort, "limit": cmd.Limit, "cursor": cmd.Cursor,
	} {
		if value != "" {
			p.Set(name, value)
		}
	}
	if cmd.CSV {
		p.Set("format", "csv")
	}
	p["filter"] = cmd.Filter
	q, err := report.ParseQuestion(cmd.Name, p, c.Location, time.Now())
	if err != nil {
		return err
	}
	heldSince := func(ctx context.Context) (time.Time, error) {
		archive, ok := source.(store.Jobs)
		if !ok {
			return time.Time{}, nil
		}
		horizon, _, err := archive.Horizon(ctx)
		if err != nil || horizon.IsZero() {
			return time.Time{}, err
		}
		return horizon.Add(-c.RetentionSessions), nil
	}
	answers, err := engine.New(source, engine.Options{Dir: filepath.Join(c.dataDir, "reports"), HeldSince: heldSince}).Ask(context.Background(), q)
	if report.IsMistake(err) {
		return err
	}
	if err != nil {
		return c.readError(err)
	}
	switch a := answers[0]; {
	case cmd.JSON:
		return t.printJSON(a)
	case cmd.CSV:
		return a.WriteCSV(t.out)
	default:
		return t.printReport(&a)
	}
}

// printReport prints an answer as a table for people.
func (t terminal) printReport(a *report.Answer) error {
	q := &a.Question
	fmt.Fprintf(t.out, "%s, %s, %s\n", q.Report, days(report.Range{From: q.From, To: q.To}, q.Zone), q.Zone)
	if !a.Truncated.IsZero() {
		fmt.Fprintf(t.out, "sessions that began before %s were deleted by their age\n", a.Truncated.In(q.Zone).Format(time.DateOnly))
	}
	for _, f := range q.Filters {
		fmt.Fprintf(t.out, "where %s\n", f)
	}
	if c := q.Compared; c != nil {
		fmt.Fprintf(t.out, "compared with %s\n", days(*c, q.Zone))
	}
	fields := report.Fields(q.Report)
	if !report.HasRows(q.Report) {
		rows := make([]table.Row, len(fields))
		for i, f := range fields {
			rows[i] = append(table.Row{title(f)}, figures(&a.Total, f)...)
		}
		t.printFigures(nil, rows)
		return nil
	}
	header := table.Row{"key"}
	for _, f := range fields {
		header = append(header, title(f))
		if a.Total.Compared != nil {
			header = append(header, "")
		}
	}
	var rows []table.Row
	add := func(name string, r *report.Row) {
		row := table.Row{name}
		for _, f := range fields {
			row = append(row, figures(r, f)...)
			if a.Total.Compared != nil && r.Compared == nil {
				row = append(row, "")
			}
		}
		rows = append(rows, row)
	}
	for i := range a.Rows {
		r := &a.Rows[i]
		name := short(r.Key, 60)
		if !r.HasKey {
			name = "(unknown)"
		}
		if r.Partial {
			name += " (partial)"
		}
		add(name, r)
	}
	if a.Rest != nil {
		add(fmt.Sprintf("%d more", a.Rest.Rows), &a.Rest.Row)
	}
	if a.Outside != nil && a.Outside.Orders > 0 {
		add("(orders without a visit)", a.Outside)
	}
	add("total", &a.Total)
	t.printFigures(header, rows)
	if f := a.Funnel; f != nil {
		fmt.Fprintf(t.out, "%d visits ordered without reaching the last step; %d further orders: second ones, of earlier visits, without a visit\n", f.Skipped, f.FurtherOrders)
	}
	if a.Next != "" {
		fmt.Fprintf(t.out, "more rows: --cursor %s\n", a.Next)
	}
	return nil
}

// days are the first and the last day of a range, with times if it is not one of days.
func days(r report.Range, zone *time.Location) string {
	from, to := r.From.In(zone), r.To.In(zone)
	if report.Today(from, zone).Equal(from) && report.Today(to, zone).Equal(to) {
		return from.Format(time.DateOnly) + " to " + to.Add(-time.Millisecond).Format(time.DateOnly)
	}
	return from.Format("2006-01-02 15:04:05") + " to " + to.Format("2006-01-02 15:04:05")
}

// title is a figure's name for people: pageViews is page views.
func title(field string) string {
	var b strings.Builder
	for _, r := range field {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// figures are the cells of a figure: of the row, and how it changed if it is compared.
func figures(r *report.Row, field string) []any {
	cells := []any{figure(r, field)}
	if r.Compared != nil {
		cells = append(cells, change(field, r))
	}
	return cells
}

func figure(r *report.Row, field string) any {
	switch v := r.Figure(field).(type) {
	case []store.Money:
		return amounts(v)
	case *float64:
		switch {
		case v == nil:
			return "–"
		case field == "duration" || field == "timeOnPage":
			return timetext.Of(time.Duration(*v * float64(time.Second)).Round(time.Second))
		}
		return fmt.Sprintf("%.1f %%", 100**v)
	default:
		return v
	}
}

// change says by how much a figure changed: of a rate in points, otherwise in per cent.
// Amounts, and what was 0 before, have none.
// A part of an interval has none beside a whole one.
func change(field string, r *report.Row) string {
	if r.Partial {
		return ""
	}
	now, before := r.Figure(field), r.Compared.Figure(field)
	signed := func(f float64, unit string) string {
		text := strconv.FormatFloat(f, 'f', 1, 64)
		if f >= 0 {
			text = "+" + text
		}
		return text + unit
	}
	switch n := now.(type) {
	case int64:
		if b, ok := before.(int64); ok && b != 0 {
			return signed(100*float64(n-b)/float64(b), " %")
		}
	case *float64:
		if b, ok := before.(*float64); ok && n != nil && b != nil {
			if field != "duration" && field != "timeOnPage" {
				return signed(100*(*n-*b), " pts")
			}
			if *b != 0 {
				return signed(100*(*n-*b) / *b, " %")
			}
		}
	}
	return ""
}
