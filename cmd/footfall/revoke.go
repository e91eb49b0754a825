package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/footfall-go/footfall/dashboard"
	"github.com/footfall-go/footfall/internal/datadir"
)

type revokeCmd struct {
	Settings `kong:"embed"`
	JSON     bool   `name:"json" help:"Print JSON."`
	Session  string `placeholder:"ID" xor:"what" required:"" help:"End this session."`
	Customer string `placeholder:"ID" xor:"what" required:"" help:"End all sessions of this customer."`
}

// Run asks the running server to revoke. If none runs, it locks DATA_DIR and
// revokes by itself.
func (cmd *revokeCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	if cmd.Session == "" && cmd.Customer == "" {
		return errors.New("--session or --customer: it is empty: name a session or a customer")
	}
	what := dashboard.Revocation{SessionID: cmd.Session, CustomerID: cmd.Customer}
	done, err := revoke(c, what)
	if err != nil {
		return err
	}
	switch {
	case cmd.JSON:
		err = t.printJSON(done)
	case done.Revoked:
		fmt.Fprintln(t.out, "revoked"+howMany(cmd.Customer, done))
	default:
		fmt.Fprintln(t.err, "footfall: "+whyNone(what, done))
	}
	if err == nil && !done.Revoked {
		err = errNo
	}
	return err
}

// howMany says how many sessions of a customer ended.
func howMany(customer string, done dashboard.Revoked) string {
	switch {
	case customer == "":
		return ""
	case done.Sessions == nil:
		return fmt.Sprintf(": whatever sessions customer %q had; how many could not be read", customer)
	case *done.Sessions == 1:
		return fmt.Sprintf(": 1 session of customer %q ended", customer)
	}
	return fmt.Sprintf(": %d sessions of customer %q ended", *done.Sessions, customer)
}

// whyNone says why no session ended. A misspelled id must not look like a customer who
// is logged out now.
func whyNone(what dashboard.Revocation, done dashboard.Revoked) string {
	switch {
	case what.CustomerID == "":
		return fmt.Sprintf("there is no live session %q", what.SessionID)
	case done.Known != nil && !*done.Known:
		return fmt.Sprintf("no session ended: no session and no order of a customer %q is known: check the id", what.CustomerID)
	}
	return fmt.Sprintf("no session ended: customer %q had no live session", what.CustomerID)
}

// revoke asks the server that runs on DATA_DIR, or locks DATA_DIR itself. If the
// archive is shared, it revokes there, wherever servers run.
func revoke(c *config, what dashboard.Revocation) (done dashboard.Revoked, err error) {
	if c.shared.mongodbURI != "" {
		return revokeShared(c, what)
	}
	found, err := datadir.Find(c.dataDir)
	if !found.Running {
		if err := c.findDatabase(); err != nil {
			return done, err
		}
		if done, err = revokeAlone(c, what); !errors.Is(err, errInUse) {
			return done, err
		}
		found, err = datadir.Find(c.dataDir) // one has just started
	}
	if err != nil {
		return done, fmt.Errorf("DATA_DIR: %s: %w", c.dataDir, err)
	}
	return revokeThrough(found.Address, what)
}

// revokeShared starts a tracker with a journal of its own. The journal stays
// empty, because revocations are written to the archive at once.
func revokeShared(c *config, what dashboard.Revocation) (done dashboard.Revoked, err error) {
	dir, err := os.MkdirTemp("", "footfall-revoke-")
	if err != nil {
		return done, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	c.Secrets, c.DisableJobs, c.JournalDir = []string{newToken()}, true, dir
	c.StoreTimeout, c.Logger = time.Second, slog.New(slog.DiscardHandler)
	t, _, closeAll, err := c.openTracker()
	if err != nil {
		return done, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
	defer cancel()
	defer func() { err = errors.Join(err, closeAll(ctx)) }()
	if done, err = what.Apply(ctx, t); err != nil {
		return done, fmt.Errorf("MONGODB_URI, REDIS_URL: %w: run footfall doctor, which asks each of them", err)
	}
	return done, nil
}

const revokeTimeout = 10 * time.Second

// revokeThrough asks the process that runs on DATA_DIR.
func revokeThrough(in datadir.Address, what dashboard.Revocation) (done dashboard.Revoked, err error) {
	err = askServer(in, "/_footfall/api/revoke", what, &done)
	return done, err
}

// revokeAlone starts a tracker, which first moves the journal's facts to the
// database, so that the revocation applies to them too.
func revokeAlone(c *config, what dashboard.Revocation) (done dashboard.Revoked, err error) {
	n, err := openAlone(c)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
	defer cancel()
	for n.tracker.Status(ctx).Replaying {
		select {
		case <-ctx.Done():
			return done, errors.New("DATA_DIR: its journal could not be moved to the database in time: run footfall doctor")
		case <-time.After(20 * time.Millisecond):
		}
	}
	return what.Apply(ctx, n.tracker)
}
