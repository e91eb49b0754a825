package serve

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/footfall-go/footfall"
)

// outage is an archive that can be made to refuse facts for a while.
type outage struct {
	footfall.Archive
	refuses atomic.Bool
}

var errOutage = errors.New("the archive is away: the measurement has it so")

// Append implements footfall.Archive.
func (o *outage) Append(ctx context.Context, facts []footfall.Fact) error {
	if o.refuses.Load() {
		return errOutage
	}
	return o.Archive.Append(ctx, facts)
}
