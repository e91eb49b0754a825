package faults

import (
	"fmt"
	"strings"
	"time"
)

// table shows rows in Markdown.
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

// summary is the verdict in one line.
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

// counts shows what was declared and what is missing, and if that leaves room for
// losses that nobody sees, for how many.
func (t toll) counts() string {
	s := fmt.Sprintf("%d / %d", t.declared, t.missing)
	if t.hidden > 0 {
		s += fmt.Sprintf(" (up to %d hidden)", t.hidden)
	}
	return s
}

// atKill shows how much of what is missing was excused because it may have waited
// in memory when a process was killed, and how much may have.
func (t toll) atKill() string {
	if t.waiting == 0 {
		return "0"
	}
	return fmt.Sprintf("%d of %d", t.late, t.waiting)
}
