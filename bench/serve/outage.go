package serve

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/footfall-go/footfall/store"
)

// outage is an archive that can be made to refuse facts for a while.
type outage struct {
	store.Archive
	refuses atomic.Bool
}

var errOutage = errors.New("the archive is away: the measurement has it so")

// Append implements store.Archive.
func (o *outage) Append(ctx context.Context, facts []store.Fact) error {
	if o.refuses.Load() {
		return errOutage
	}
	return o.Archive.Append(ctx, facts)
}
