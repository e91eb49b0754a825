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
	by     Dimension // that tells its rows apart, if one does
	rows   bool      // it has rows
	whole  bool      // it has all rows at once
}

// reports are the reports by name.
var reports = map[string]spec{
	"totals":    {fields: allFields, whole: true},
	"series":    {fields: allFields, whole: true, rows: true},
	"funnel":    {fields: funnelFields, whole: true, rows: true},
	"channels":  {fields: visitFields, by: Channel, rows: true},
	"mediums":   {fields: visitFields, by: Medium, rows: true},
	"campaigns": {fields: visitFields, by: Campaign, rows: true},
	"terms":     {fields: visitFields, by: Term, rows: true},
	"contents":  {fields: visitFields, by: Content, rows: true},
	"referrers": {fields: visitFields, by: Referrer, rows: true},
	"landing":   {fields: allFields, by: Landing, rows: true},
	"exit":      {fields: allFields, by: Exit, rows: true},
	"pages":     {fields: pageFields, by: Page, rows: true},
	"devices":   {fields: allFields, by: Device, rows: true, whole: true},
	"browsers":  {fields: allFields, by: Browser, rows: true},
	"os":        {fields: allFields, by: OS, rows: true, whole: true},
	"countries": {fields: allFields, by: Country, rows: true},
	"cities":    {fields: allFields, by: City, rows: true},
}

// Names are the names of all reports, sorted.
func Names() []string { return slices.Sorted(maps.Keys(reports)) }

// Fields are the figures of a report's rows and total, in their order.
func Fields(report string) []string { return reports[report].fields }

// HasRows reports whether a report has rows beside its total.
func HasRows(report string) bool { return reports[report].rows }

// KeyDimension is the dimension by which the rows of a report are told apart, empty for those
// that have none.
func KeyDimension(report string) Dimension { return reports[report].by }

func (s spec) sortable() []string { return slices.DeleteFunc(slices.Clone(s.fields), isMoney) }
