package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/oserror"
)

type doctorCmd struct {
	reader
	Retry bool `help:"Offer the archive the facts again that were set aside, instead."`
}

// A finding is what the doctor found out about one part.
type finding struct {
	Part    string `json:"part"`
	OK      bool   `json:"ok"`
	Warning bool   `json:"warning,omitempty"` // in order, but most likely not what was meant
	Says    string `json:"says"`
	Remedy  string `json:"remedy,omitempty"`
}

// explain says what is wrong, and the remedy that the error knows, or this one.
func (f *finding) explain(err error, remedy string) {
	f.OK, f.Says, f.Remedy = false, err.Error(), remedy
	var p *oserror.Problem
	if errors.As(err, &p) {
		f.Says, f.Remedy = p.Says, p.Remedy
	}
}

// Run examines every part. Mistakes in the settings count as findings too.
func (cmd *doctorCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	if cmd.Retry {
		return cmd.retry(t, c)
	}
	findings := examine(c)
	ok := true
	for _, f := range findings {
		ok = ok && f.OK
	}
	if cmd.JSON {
		if err := t.printJSON(map[string]any{"ok": ok, "findings": findings}); err != nil {
			return err
		}
	} else {
		var rows []table.Row
		for _, f := range findings {
			mark := colour(t, text.FgGreen, "ok")
			switch {
			case !f.OK:
				mark = colour(t, text.FgRed, "WRONG")
			case f.Warning:
				mark = colour(t, text.FgYellow, "check")
			}
			rows = append(rows, table.Row{f.Part, mark, f.Says})
			if f.Remedy != "" {
				rows = append(rows, table.Row{"", "", "→ " + f.Remedy})
			}
		}
		t.printTable(nil, rows)
	}
	if !ok {
		return errNo
	}
	return nil
}

// colour adds colour to text if the output is a terminal.
func colour(t terminal, c text.Color, s string) mark {
	f := file(t.out)
	if f == nil || os.Getenv("NO_COLOR") != "" {
		return mark(s)
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return mark(s)
	}
	return mark(c.Sprint(s))
}

func examine(c *config) []finding {
	status, found, err := askStatus(c)
	var findings []finding
	for _, w := range c.warnings(os.Environ()) {
		findings = append(findings, finding{Part: w.name, OK: true, Warning: true, Says: w.says})
	}
	findings = append(findings, secretsFinding(c), dataDirFinding(c))
	_, unreadable := os.Stat(c.dataDir + string(filepath.Separator) + ".") // that can be entered
	if errors.Is(unreadable, fs.ErrNotExist) {
		unreadable = nil // there is nothing yet
	}
	if unreadable == nil {
		findings = append(findings, diskFindings(c)...)
	}
	findings = append(findings, geoFindings(c)...)
	findings = append(findings, hotFindings(c)...)
	switch {
	case c.shared.mongodbURI != "":
		findings = append(findings, mongoFinding(c))
	case unreadable == nil:
		findings = append(findings, databaseFinding(c, found.Running))
	}
	switch {
	case unreadable != nil: // what is wrong with DATA_DIR has been said, and nothing in it can be examined
	case !found.Running:
		says := "none runs on this DATA_DIR"
		if found.Killed {
			says += fmt.Sprintf("; the last one, process %d, was killed, and what it left is read at the next start", found.Address.PID)
		}
		findings = append(findings, finding{Part: "server", OK: true, Says: says}, backlogFinding(c))
	case err != nil:
		findings = append(findings, finding{Part: "server", Says: err.Error(), Remedy: "look at its log; if it hangs, end it and start it again: nothing is lost"})
	default:
		findings = append(findings, serverFindings(status)...)
	}
	return findings
}

func secretsFinding(c *config) finding {
	if len(c.Secrets) == 0 && !c.development {
		return finding{Part: "COOKIE_SECRET", OK: true, Says: "not set for this command, which does not need it; a server in production does"}
	}
	return finding{Part: "COOKIE_SECRET", OK: true, Says: fmt.Sprintf("%d set", len(c.Secrets))}
}

func dataDirFinding(c *config) finding {
	f := finding{Part: "DATA_DIR", Says: c.dataDir}
	if _, err := os.Lstat(c.dataDir); errors.Is(err, fs.ErrNotExist) {
		f.Says, f.Remedy = c.dataDir+" does not exist", "run footfall demo, which makes it, or set DATA_DIR to the shop's"
		return f
	}
	probe, err := os.CreateTemp(c.dataDir, ".doctor-*")
	if err == nil {
		_, err = probe.Write(make([]byte, 64<<10))
		err = errors.Join(err, probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		f.explain(oserror.Dir(c.dataDir, err), "")
		return f
	}
	// On Windows modes say nothing about who may read a directory.
	if info, err := os.Stat(c.dataDir); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		f.Says, f.Remedy = c.dataDir+" is open to other users of this machine", "chmod 700 "+c.dataDir
		return f
	}
	f.OK = true
	return f
}

// backlogFinding examines a journal that no server is emptying.
func backlogFinding(c *config) finding {
	f := finding{Part: "journal", OK: true, Says: "empty"}
	if size := c.backlogBytes(); size > 0 {
		f.Says = fmt.Sprintf("%d bytes wait for the next start, which moves them to the database", size)
	}
	return f
}

// backlogBytes is the size of the journal's segments, and of what is in its reserve, which
// is filled up with zeros.
func (c *config) backlogBytes() (size int64) {
	segments, err := filepath.Glob(filepath.Join(c.JournalDir, "*.wal"))
	if err != nil {
		return 0
	}
	for _, s := range segments {
		if info, err := os.Stat(s); err == nil {
			size += info.Size()
		}
	}
	if reserve, err := os.ReadFile(filepath.Join(c.JournalDir, "reserve")); err == nil {
		size += int64(len(bytes.TrimRight(reserve, "\x00")))
	}
	return size
}

// askStatus asks the process that runs on DATA_DIR, if there is one.
func askStatus(c *config) (s footfall.Status, found datadir.Found, err error) {
	found, err = datadir.Find(c.dataDir)
	in := found.Address
	if err != nil || !found.Running {
		return s, found, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, in.URL+"/_footfall/api/status", nil)
	if err != nil {
		return s, found, err
	}
	req.Header.Set("Authorization", "Bearer "+in.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, found, fmt.Errorf("process %d does not answer: %w", in.PID, withoutRequest(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, found, fmt.Errorf("process %d answered %s", in.PID, resp.Status)
	}
	answer := struct {
		Data footfall.Status `json:"data"`
	}{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil {
		return s, found, fmt.Errorf("process %d answered %s: %w", in.PID, resp.Status, err)
	}
	return answer.Data, found, nil
}

// remedyFor says what to do about a part that fails, and what happens meanwhile.
func remedyFor(part string) string {
	if part == "journal" {
		return "look at the disk of DATA_DIR and at the server's log: page views of meanwhile are not counted"
	}
	return "see the server's log; the journal keeps what happens meanwhile"
}

func serverFindings(s footfall.Status) []finding {
	var findings []finding
	for _, p := range s.Parts {
		f := finding{Part: "server: " + p.Name, OK: p.OK, Says: p.Error}
		if p.OK {
			f.Says = "answers in " + strconv.FormatFloat(p.LatencyMS, 'f', -1, 64) + " ms"
			if p.Breaker == "open" {
				f.Says += "; requests still do without it, for half a second at most"
			}
		}
		if p.Name == "journal" && p.OK {
			f.Says = fmt.Sprintf("%d records wait, %d of %d bytes; %d bytes are held ready for orders and logouts on a full disk", s.JournalPending, s.JournalBytes, s.JournalMax, s.JournalReserve)
		}
		if !p.OK {
			f.Remedy = remedyFor(p.Name)
		}
		findings = append(findings, f)
	}
	if !s.CustomersKnown {
		findings = append(findings, finding{
			Part: "server: customers", Says: fmt.Sprintf("read %d of %d changes of credentials in the archive: customers get 503 until all are read", s.ChangesRead, s.ChangesRead+s.ChangesLeft),
			Remedy: "wait; if the numbers stand still, look at the archive",
		})
	}
	if s.ReserveProblem != "" {
		findings = append(findings, finding{
			Part: "server: reserve", OK: true, Warning: true, Says: "on a full disk orders and logouts may not be recorded, and say so: " + s.ReserveProblem,
			Remedy: "put DATA_DIR on a file system that overwrites in place, such as ext4 or XFS, with 4 MiB free",
		})
	}
	for _, c := range []struct{ count, says, remedy string }{
		{"forgotten_proxy", "requests came through a private peer that is not trusted: all visitors share its address", "set TRUSTED_PROXIES to your proxy's network"},
		{"unacknowledged", "facts could not be written in time and may be missing", "look at the disk of DATA_DIR"},
		{"orders_unwritten", "orders or refunds could be written nowhere, and their calls said so", "look at the disk of DATA_DIR and at the archive"},
		{"journal_gaps", "times records were missing in the journal at the start: a file was emptied, cut or taken away", "look at the server's log, and at what else writes to DATA_DIR/journal"},
		{"journal_damaged_bytes", "bytes of the journal were damaged", "look at DATA_DIR/journal/set-aside, and at the disk"},
		{"events_unattributed", "events came with cookies of sessions that the archive did not know two minutes later, and were not counted", "check whether an instance's journal is left behind: footfall drain moves it to the archive"},
		{"retention_refused", "times deleting by age did less than the clock asked for", "look at this machine's clock; if it is right, footfall retention --yes"},
		{"times_clamped", "times were ahead of the archive's clock and were set back", "set this machine's clock"},
		{"corrupt_records", "records in the hot store were damaged, or not written by Footfall; the archive was asked instead", "look for another program that writes under REDIS_PREFIX, and at the server's disk"},
		{"refunds_exceeding", "refunds exceeded what was paid, because several instances refunded at the same moment", "look at the orders that the log names"},
		{"hot_dropped", "sessions' activity did not reach the hot store: too many were waiting", "look at the hot store"},
		{"visits_uncounted", "new sessions exceeded NEW_SESSIONS_PER_MINUTE and were not counted", "raise it if the visitors were people"},
		{"orders_past_cap", "orders were stored without their session, which had 100 already", "look for a client that places orders in a loop"},
		{"hot_evicted", "sessions were dropped from memory because it was full", "raise GOMEMLIMIT or the container's limit; if visitors are few, look for a flood of new sessions"},
		{"events_capped", "events exceeded the limit of their session and were not counted", "look for a loop in the shop's pages"},
	} {
		if n := s.Counts[c.count]; n > 0 {
			findings = append(findings, finding{Part: "server: " + c.count, Says: fmt.Sprintf("%d %s", n, c.says), Remedy: c.remedy})
		}
	}
	if s.SetAside > 0 {
		findings = append(findings, finding{Part: "server: set aside", Says: fmt.Sprintf("%d facts are set aside, because the archive did not take them while it took others", s.SetAside),
			Remedy: "DATA_DIR/journal/set-aside has them, and why; mend that, then footfall doctor --retry offers them to the archive again"})
	}
	for _, b := range s.ShadowBots {
		findings = append(findings, finding{Part: "server: shadow rule", OK: true, Says: fmt.Sprintf("%d visits since the start match %q, which is not enforced: they count as people's", b.Visits, b.Pattern),
			Remedy: "if it is software, write \"bot " + b.Pattern + "\" into RULES_FILE"})
	}
	for _, n := range s.Notices {
		findings = append(findings, finding{Part: "server: " + n.Name, OK: true, Warning: true, Says: n.Says, Remedy: n.Remedy})
	}
	return findings
}
