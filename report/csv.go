package report

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/footfall-go/footfall/store"
)

// WriteCSV writes the rows of an answer, or its total if it has no rows, as CSV (RFC 4180)
// with a line of names. Amounts have a column for each currency, in minor units; rates are
// fractions; what has no value is empty. A key that a spreadsheet would take for a formula
// has an apostrophe before it.
func (a Answer) WriteCSV(w io.Writer) error {
	fields, rows := Fields(a.Question.Report), a.Rows
	keyed := HasRows(a.Question.Report)
	if !keyed {
		rows = []Row{a.Total}
	}
	currencies := currenciesOf(rows)
	var names []string
	if keyed {
		names = append(names, "key")
	}
	series := a.Question.Report == "series"
	if series {
		names = append(names, "partial")
	}
	for _, f := range fields {
		names = append(names, columns(f, currencies)...)
	}
	if a.Question.Compared != nil {
		for _, f := range fields {
			for _, c := range columns(f, currencies) {
				names = append(names, "compared."+c)
			}
		}
	}
	out := csv.NewWriter(w)
	if err := out.Write(names); err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		var cells []string
		if keyed {
			cells = append(cells, guarded(r.Key))
		}
		if series {
			cells = append(cells, strconv.FormatBool(r.Partial))
		}
		for _, of := range []*Row{r, r.Compared} {
			if of == nil && a.Question.Compared != nil {
				for _, f := range fields {
					cells = append(cells, make([]string, len(columns(f, currencies)))...)
				}
			}
			if of == nil {
				continue
			}
			for _, f := range fields {
				cells = append(cells, cellsOf(of, f, currencies)...)
			}
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// isMoney reports whether a figure is a list of amounts.
func isMoney(field string) bool {
	return slices.Contains([]string{"revenue", "refunded", "net", "averageOrder"}, field)
}

func currenciesOf(rows []Row) (all []string) {
	for i := range rows {
		for _, m := range rows[i].Money {
			all = append(all, m.Currency)
		}
		if c := rows[i].Compared; c != nil {
			for _, m := range c.Money {
				all = append(all, m.Currency)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func columns(field string, currencies []string) []string {
	if !isMoney(field) {
		return []string{field}
	}
	names := make([]string, len(currencies))
	for i, c := range currencies {
		names[i] = field + "." + c
	}
	return names
}

func cellsOf(r *Row, field string, currencies []string) []string {
	switch v := r.Figure(field).(type) {
	case int64:
		return []string{strconv.FormatInt(v, 10)}
	case *float64:
		if v == nil {
			return []string{""}
		}
		return []string{strconv.FormatFloat(*v, 'g', -1, 64)}
	case []store.Money:
		cells := make([]string, len(currencies))
		for i, c := range currencies {
			for _, m := range v {
				if m.Currency == c {
					cells[i] = strconv.FormatInt(m.Amount, 10)
				}
			}
		}
		return cells
	}
	return nil
}

func guarded(key string) string {
	if key != "" && strings.ContainsRune("=+-@\t\r", rune(key[0])) {
		return "'" + key
	}
	return key
}
