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

// printJSON prints what --json promises: one indented document.
func (t terminal) printJSON(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", b)
	return err
}

// printTable prints rows under a header; without one, names and values.
func (t terminal) printTable(header table.Row, rows []table.Row) {
	w := table.NewWriter()
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	style.Options = table.OptionsNoBordersAndSeparators
	w.SetStyle(style)
	if header != nil {
		w.AppendHeader(header)
	}
	w.AppendRows(rows)
	for line := range strings.SplitSeq(w.Render(), "\n") {
		fmt.Fprintln(t.out, strings.TrimRight(line, " "))
	}
}

const timeFormat = "2006-01-02 15:04:05"

func clock(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return "–"
	}
	return at.In(zone).Format(timeFormat)
}

// dash stands for what is not known.
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

// amounts writes sums of money in minor units, as they are stored.
func amounts(sums []footfall.Money) string {
	if len(sums) == 0 {
		return "–"
	}
	parts := make([]string, len(sums))
	for i, m := range sums {
		parts[i] = fmt.Sprintf("%d %s (minor units)", m.Amount, m.Currency)
	}
	return strings.Join(parts, ", ")
}
