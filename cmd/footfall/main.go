// Command footfall runs the demo shop. Its other subcommands read, watch and
// change what a tracker stores. See footfall --help.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/footfall-go/footfall/report"
)

// cli is the command line: each subcommand is one field here, and one file.
type cli struct {
	Demo      demoCmd      `cmd:"" help:"Run a demo shop and its admin API, in memory and SQLite unless other stores are set."`
	Serve     serveCmd     `cmd:"" help:"Serve the admin API and run the jobs, without a shop, on shared stores."`
	Doctor    doctorCmd    `cmd:"" help:"Check every part; print what is wrong and what to do."`
	Stats     statsCmd     `cmd:"" help:"Show the figures: who is here, what happened, what was sold."`
	Report    reportCmd    `cmd:"" help:"Show a report of a range of days: totals, series, pages, devices and others."`
	Sessions  sessionsCmd  `cmd:"" help:"List sessions, newest first."`
	Session   sessionCmd   `cmd:"" help:"Show one session and how long it has to live."`
	Events    eventsCmd    `cmd:"" help:"List the events of a session."`
	Revoke    revokeCmd    `cmd:"" help:"End a session, or all sessions of a customer."`
	Retention retentionCmd `cmd:"" help:"Show how far deleting by age has come; with --yes go on from now."`
	Drain     drainCmd     `cmd:"" help:"Move the facts of an orphaned journal to the archive."`
	Backup    backupCmd    `cmd:"" help:"Copy the SQLite database to a file, also while a shop writes to it."`
	Restore   restoreCmd   `cmd:"" help:"Put a copy of the SQLite database in place; the one there is kept."`
	Enrich    enrichCmd    `cmd:"" help:"Say of visitors, JSON lines on standard input, what a session would: device, channel, bot."`
	Config    configCmd    `cmd:"" help:"Show the settings in effect, secrets hidden."`
	Version   versionCmd   `cmd:"" help:"Show which Footfall this is."`
}

// The exit codes. exitNo means that the answer is no (not found, not healthy), or that
// a server did not end as it should.
const (
	exitNo    = 1
	exitWrong = 2
)

// errNo means that the answer is no and has been printed.
var errNo = errors.New("no")

// A failure is an error that neither the call nor the settings caused.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// failed makes an error a failure; nil stays nil.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure{err}
}

// A terminal is where a command prints its output and its errors.
type terminal struct {
	out, err io.Writer
}

func main() { os.Exit(run(os.Args[1:], terminal{os.Stdout, os.Stderr})) }

func run(args []string, t terminal) int {
	t = terminal{screen{t.out}, screen{t.err}}
	code := -1
	parser, err := kong.New(&cli{},
		kong.Name("footfall"),
		kong.Description("Session, visitor and conversion tracking for online shops.\n\nSettings come from the environment or from flags; exit codes are 0 for yes, 1 for no (not found, not healthy) and for a server that did not end as it should, 2 for what is wrong with the call or the machine."),
		kong.Writers(t.out, t.err),
		kong.Exit(func(c int) { code = c }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Bind(t),
		kong.Vars{"reports": strings.Join(report.Names(), ", ")},
	)
	if err != nil {
		return fail(t, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if code >= 0 { // the user asked for help
		return code
	}
	if err != nil {
		return fail(t, misused(err, args))
	}
	err, atRun := ctx.Run(), failure{}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNo):
		return exitNo
	case errors.As(err, &atRun):
		fail(t, err)
		return exitNo
	default:
		return fail(t, err)
	}
}

// fail prints an error, one line for each mistake.
func fail(t terminal, err error) int {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(t.err, "footfall: "+strings.TrimPrefix(line, "footfall: "))
	}
	return exitWrong
}
