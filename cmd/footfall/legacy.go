package main

import (
	"context"
	"log/slog"
	"time"
)

// upgradeRetry is the pause between attempts while the database does not answer.
const upgradeRetry = 10 * time.Second

// upgradeLegacy converts documents of the former Express service into the present
// form. It tries until that succeeds or ctx ends.
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
				log.Info("footfall: converted documents of the former service", "documents", n)
			}
			return
		}
		log.Warn("footfall: converting documents of the former service failed; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(upgradeRetry):
		}
	}
}
