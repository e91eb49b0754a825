package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/dashboard"
	"github.com/footfall-go/footfall/internal/datadir"
)

// retry offers the archive the facts again that were set aside: through the server that
// runs on DATA_DIR or, if none does, by itself.
func (cmd *doctorCmd) retry(t terminal, c *config) (err error) {
	var done dashboard.Retried
	if found, err := datadir.Find(c.dataDir); found.Running {
		if err != nil {
			return fmt.Errorf("DATA_DIR: %s: %w", c.dataDir, err)
		}
		if err := askServer(found.Address, "/_footfall/api/retry", struct{}{}, &done); err != nil {
			return err
		}
	} else if done, err = retryAlone(c); err != nil {
		return err
	}
	if cmd.JSON {
		return t.printJSON(done)
	}
	fmt.Fprintf(t.out, "%d facts that were set aside are offered to the archive again; those that it still does not take are set aside again within two minutes\n", done.Facts)
	return nil
}

// retryAlone puts what was set aside back into the journal, and carries it to the archive
// as far as that takes it at once. The next start does the rest.
func retryAlone(c *config) (done dashboard.Retried, err error) {
	n, err := openAlone(c)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if done.Facts, err = n.tracker.RetrySetAside(); err != nil {
		return done, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
	defer cancel()
	for n.tracker.Status(ctx).JournalPending > 0 && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	return done, nil
}
