package faults

import (
	"fmt"
	"strings"
	"time"
)

// table shows rows in Markdown.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| fault | acknowledged | no answer | lost | doubled | phantom | resurrected | misidentified | wrongly refused | cookies touched | orders (failed, missing) | declared / missing | damaged | 503 for customers | added p99 | backlog gone after |\n")
	b.WriteString("|" + strings.Repeat(" --- |", 16) + "\n")
	for _, r := range rows {
		n := r.findings.count
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d (%d, %d) | %d / %d | %d | %d of %d | %s | %.1f s |\n", r.name, r.acknowledged, r.unanswered,
			n(lost), n(doubled), n(phantom), n(resurrected), n(misidentified), n(wronglyRefused), n(touched), r.sales, n(orderFailed), n(orderMissing),
			r.declared, r.missing, r.excused, r.unavailable, r.asked, r.added.Round(time.Millisecond), r.backlog.Seconds())
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
