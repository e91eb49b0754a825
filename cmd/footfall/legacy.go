package main

import (
	"context"
	"log/slog"
	"time"
)

// upgradeRetry is how long an upgrade waits for a database that does not answer.
const upgradeRetry = 10 * time.Second

// upgradeLegacy brings documents of the former service into the present form,
// until that has worked once or ctx ends.
func upgradeLegacy(ctx context.Context, a archive, log *slog.Logger) {
	legacy, ok := a.(interface {
		UpgradeLegacy(ctx context.Context) (int, error)
	})
	if !ok {
		return
	}
	for {
		n, err := legacy.UpgradeLegacy(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if n > 0 {
				log.Info("footfall: documents of the former service were upgraded", "documents", n)
			}
			return
		}
		log.Warn("footfall: upgrading documents of the former service; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(upgradeRetry):
		}
	}
}
