package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/footfall-go/footfall"
)

// printJSON prints the output of --json: one indented document.
func (t terminal) printJSON(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", b)
	return err
}

// A mark is a cell that this command wrote itself, in colour.
type mark string

// printTable prints rows under a header. Without a header, rows are names and
// values.
func (t terminal) printTable(header table.Row, rows []table.Row) { t.printAligned(header, rows, nil) }

// printFigures prints rows of names and figures: all columns but the first stand to the
// right.
func (t terminal) printFigures(header table.Row, rows []table.Row) {
	var columns []table.ColumnConfig
	for i := 1; len(rows) > 0 && i < len(rows[0]); i++ {
		columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.printAligned(header, rows, columns)
}

func (t terminal) printAligned(header table.Row, rows []table.Row, columns []table.ColumnConfig) {
	for _, row := range rows {
		for i, cell := range row {
			switch cell.(type) {
			case mark, int, int64, float64, bool: // numbers stand to the right
			default:
				row[i] = shown(fmt.Sprint(cell), "")
			}
		}
	}
	w := table.NewWriter()
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	style.Options = table.OptionsNoBordersAndSeparators
	w.SetStyle(style)
	w.SetColumnConfigs(columns)
	if header != nil {
		w.AppendHeader(header)
	}
	w.AppendRows(rows)
	out := t.out
	if s, ok := out.(screen); ok { // the cells are escaped, and marks are not to be
		out = s.out
	}
	for line := range strings.SplitSeq(w.Render(), "\n") {
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
}

const timeFormat = "2006-01-02 15:04:05"

func clock(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return "–"
	}
	return at.In(zone).Format(timeFormat)
}

// dash returns a dash for an unknown value.
func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// minorDigits are the digits after the decimal point of currencies that do not
// have two, from ISO 4217.
var minorDigits = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4,
}

// money formats an amount for people.
func money(m footfall.Money) string {
	digits, odd := minorDigits[m.Currency]
	if !odd {
		digits = 2
	}
	if digits == 0 {
		return fmt.Sprintf("%d %s", m.Amount, m.Currency)
	}
	sign, amount := "", m.Amount
	if amount < 0 {
		sign, amount = "-", -amount
	}
	text := fmt.Sprintf("%0*d", digits+1, amount)
	return sign + text[:len(text)-digits] + "." + text[len(text)-digits:] + " " + m.Currency
}

// amounts formats amounts of several currencies.
func amounts(sums []footfall.Money) string {
	if len(sums) == 0 {
		return "–"
	}
	parts := make([]string, len(sums))
	for i, m := range sums {
		parts[i] = money(m)
	}
	return strings.Join(parts, ", ")
}
