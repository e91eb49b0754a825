package report

import (
	"maps"
	"slices"
	"time"
)

// An Answer is what a report says. Rows, Rest and Outside together make the total, for all
// figures but visitors, pages and products, where a visit is in several rows.
type Answer struct {
	Question  Question
	Until     time.Time // as of when it was read
	Truncated time.Time // what is before it is not held any more; zero: everything is held
	Rows      []Row
	Rest      *Rest // the rows that were not returned; nil: none
	Outside   *Row  // orders without a visit; nil: the report has no such row
	Total     Row
	Funnel    *FunnelNote // of the report funnel
	Next      string      // the cursor of the rows that follow; empty: none
}

// A Rest is what the rows that were not returned have together.
type Rest struct {
	Rows int // how many they are
	Row
}

// The names of the figures, as in JSON.
var (
	visitFields  = []string{"visitors", "sessions", "engaged", "pageViews", "converted", "conversionRate", "bounceRate", "duration"}
	orderFields  = []string{"orders", "revenue", "refunded", "net", "averageOrder"}
	allFields    = append(slices.Clone(visitFields), orderFields...)
	funnelFields = []string{"sessions", "visitors", "left", "share"}
	pageFields   = []string{"pageViews", "visitors", "sessions", "engaged", "converted", "conversionRate", "bounceRate", "timeOnPage"}
)

// A spec says what a report has.
type spec struct {
	fields []string
	whole  bool // it has all rows at once
	rows   bool // it has rows
}

// reports are the reports by name.
var reports = map[string]spec{
	"totals":    {fields: allFields, whole: true},
	"series":    {fields: allFields, whole: true, rows: true},
	"funnel":    {fields: funnelFields, whole: true, rows: true},
	"channels":  {fields: visitFields, rows: true},
	"mediums":   {fields: visitFields, rows: true},
	"campaigns": {fields: visitFields, rows: true},
	"terms":     {fields: visitFields, rows: true},
	"contents":  {fields: visitFields, rows: true},
	"referrers": {fields: visitFields, rows: true},
	"landing":   {fields: allFields, rows: true},
	"exit":      {fields: allFields, rows: true},
	"pages":     {fields: pageFields, rows: true},
	"devices":   {fields: allFields, rows: true, whole: true},
	"browsers":  {fields: allFields, rows: true},
	"os":        {fields: allFields, rows: true, whole: true},
	"countries": {fields: allFields, rows: true},
	"cities":    {fields: allFields, rows: true},
}

// Names are the names of all reports, sorted.
func Names() []string { return slices.Sorted(maps.Keys(reports)) }

// Fields are the figures of a report's rows and total, in their order.
func Fields(report string) []string { return reports[report].fields }

// HasRows reports whether a report has rows beside its total.
func HasRows(report string) bool { return reports[report].rows }

// KeyDimension is the dimension by which the rows of a report are told apart, empty for those
// that have none.
func KeyDimension(report string) Dimension {
	return map[string]Dimension{
		"channels": Channel, "mediums": Medium, "campaigns": Campaign, "terms": Term, "contents": Content, "referrers": Referrer, "landing": Landing, "exit": Exit,
		"pages": Page, "devices": Device, "browsers": Browser, "os": OS, "countries": Country, "cities": City,
	}[report]
}

func (s spec) sortable() []string {
	return slices.DeleteFunc(slices.Clone(s.fields), func(f string) bool { return f == "revenue" || f == "refunded" || f == "net" || f == "averageOrder" })
}
