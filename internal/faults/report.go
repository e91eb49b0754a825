package faults

import (
	"fmt"
	"strings"
	"time"
)

// table formats results as a table in Markdown.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| fault | acknowledged | no answer | lost | doubled | phantom | resurrected | misidentified | misattributed | wrongly refused | cookies touched | orders (failed, missing) | declared / missing | late at a kill | damaged | 503 for customers | added p99 | backlog gone after |\n")
	b.WriteString("|" + strings.Repeat(" --- |", 18) + "\n")
	for _, r := range rows {
		n := r.findings.count
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d (%d, %d) | %s | %s | %d | %d of %d | %s | %.1f s |\n", r.name, r.acknowledged, r.unanswered,
			n(lost), n(doubled), n(phantom), n(resurrected), n(misidentified), n(misattributed), n(wronglyRefused), n(touched), r.sales, n(orderFailed), n(orderMissing),
			r.toll.counts(), r.toll.atKill(), r.excused, r.unavailable, r.asked, r.added.Round(time.Millisecond), r.backlog.Seconds())
	}
	return b.String()
}

// summary returns the verdict in one line.
func summary(rows []row) string {
	acknowledged := 0
	var found findings
	for _, r := range rows {
		acknowledged += r.acknowledged
		found = append(found, r.findings...)
	}
	s := fmt.Sprintf("%d faults, %d events acknowledged", len(rows), acknowledged)
	for _, k := range kinds {
		s += fmt.Sprintf(", %d %s", found.count(k), k)
	}
	return s
}

// counts shows the number of declared and of missing events and, if unanswered
// requests could hide losses, of how many.
func (t toll) counts() string {
	s := fmt.Sprintf("%d / %d", t.declared, t.missing)
	if t.hidden > 0 {
		s += fmt.Sprintf(" (up to %d hidden)", t.hidden)
	}
	return s
}

// atKill shows how many missing events were excused because they may have waited
// in memory when a process was killed, and how many facts may have waited.
func (t toll) atKill() string {
	if t.waiting == 0 {
		return "0"
	}
	return fmt.Sprintf("%d of %d", t.late, t.waiting)
}
