package report

import (
	"encoding/json"
	"time"
)

// MarshalJSON writes the answer with every parameter of the question in effect.
func (a Answer) MarshalJSON() ([]byte, error) {
	q := &a.Question
	at := func(t time.Time) string { return t.In(q.Zone).Format("2006-01-02T15:04:05.000Z07:00") }
	o := object{}
	o.add("report", q.Report)
	o.add("from", at(q.From))
	o.add("to", at(q.To))
	o.add("timezone", q.Zone.String())
	filters := make([]string, len(q.Filters))
	for i, c := range q.Filters {
		filters[i] = c.String()
	}
	o.add("filter", filters)
	if q.Compared != nil {
		o.add("compare", map[string]string{"from": at(q.Compared.From), "to": at(q.Compared.To)})
	}
	if q.Report == "series" {
		o.add("interval", q.Interval)
	}
	if q.Report == "funnel" {
		steps := make([]string, len(q.Steps))
		for i, s := range q.Steps {
			steps[i] = s.String()
		}
		o.add("steps", steps)
	}
	if spec := reports[q.Report]; spec.rows && !spec.whole {
		o.add("sort", q.Sort)
		o.add("limit", q.Limit)
	}
	o.add("until", at(a.Until))
	if a.Truncated.IsZero() {
		o.add("truncated", nil)
	} else {
		o.add("truncated", at(a.Truncated))
	}
	fields := Fields(q.Report)
	if HasRows(q.Report) {
		rows := make([]json.RawMessage, len(a.Rows))
		for i := range a.Rows {
			rows[i] = a.Rows[i].object(fields, true).end()
		}
		o.add("rows", rows)
		if a.Rest != nil {
			rest := object{}
			rest.add("rows", a.Rest.Rows)
			rest.fill(&a.Rest.Row, fields)
			o.add("rest", rest.end())
		} else {
			o.add("rest", nil)
		}
		if a.Outside != nil {
			o.add("outside", a.Outside.object(fields, false).end())
		}
	}
	if a.Funnel != nil {
		o.add("skipped", a.Funnel.Skipped)
		o.add("furtherOrders", a.Funnel.FurtherOrders)
	}
	o.add("total", a.Total.object(fields, false).end())
	if HasRows(q.Report) {
		if a.Next == "" {
			o.add("next", nil)
		} else {
			o.add("next", a.Next)
		}
	}
	if o.err != nil {
		return nil, o.err
	}
	return o.end(), nil
}

// object is a row's figures.
func (r *Row) object(fields []string, key bool) *object {
	o := &object{}
	if key && r.HasKey {
		o.add("key", r.Key)
	} else if key {
		o.add("key", nil)
	}
	o.fill(r, fields)
	return o
}

func (o *object) fill(r *Row, fields []string) {
	for _, f := range fields {
		o.add(f, r.Figure(f))
	}
	if r.Partial {
		o.add("partial", true)
	}
	if r.Compared != nil {
		o.add("compared", r.Compared.object(fields, false).end())
	}
}

// An object is a JSON object whose members stay in their order.
type object struct {
	text []byte
	err  error
}

func (o *object) add(name string, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		o.err = err
		return
	}
	if len(o.text) == 0 {
		o.text = append(o.text, '{')
	} else {
		o.text = append(o.text, ',')
	}
	o.text = append(append(append(o.text, '"'), name...), '"', ':')
	o.text = append(o.text, b...)
}

func (o *object) end() json.RawMessage {
	if len(o.text) == 0 {
		return json.RawMessage("{}")
	}
	return append(o.text, '}')
}
