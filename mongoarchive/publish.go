package mongoarchive

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// A changeDoc is one step of the feed of credential changes. Its _id is the
// number of the step. Numbers have no gaps, so a reader that has seen a step has
// seen all steps before it.
type changeDoc struct {
	ID            int64          `bson:"_id"`
	SessionID     *string        `bson:"sessionId"`
	Version       int64          `bson:"version"`
	CustomerID    *string        `bson:"customerId"`
	RevokedBefore *bson.DateTime `bson:"revokedBefore"`
	ChangedAt     bson.DateTime  `bson:"changedAt"`
}

// A publisher puts into the feed together what batches of this process publish at the same
// time. Of those who write at once one gets the next number, and all others try again: if
// each batch tried for itself, a hundred of them would take a hundred times as many
// commands each, and no logout would be through in its time.
type publisher struct {
	turn    chan struct{} // held by the batch that publishes
	mu      sync.Mutex
	waiting []*publication
}

// A publication is what one batch publishes.
type publication struct {
	ctx     context.Context // of the batch: when it is done, nobody waits any more
	changes []changeDoc
	done    chan error // what became of it, once another batch has published it
}

func newPublisher() *publisher { return &publisher{turn: make(chan struct{}, 1)} }

func (p *publisher) add(publications ...*publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range publications {
		if one.ctx.Err() == nil {
			p.waiting = append(p.waiting, one)
		}
	}
}

func (p *publisher) drop(own *publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(one *publication) bool { return one == own })
}

// take removes a publication from those that wait, and with it as many others as fit into
// one command. It returns none if another batch has taken it.
func (p *publisher) take(own *publication) (group []*publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting, own)
	if i < 0 {
		return nil
	}
	p.waiting = slices.Delete(p.waiting, i, i+1)
	group = []*publication{own}
	for n := len(own.changes); len(p.waiting) > 0; p.waiting = p.waiting[1:] {
		if n += len(p.waiting[0].changes); n > perCommand {
			break
		}
		group = append(group, p.waiting[0])
	}
	return group
}

// publish adds changes to the feed in their order, except those of which an equal one is
// there.
func (b *batch) publish(changes []changeDoc) error {
	if len(changes) == 0 {
		return nil
	}
	p, own := b.c.publisher, &publication{b.ctx, changes, make(chan error, 1)}
	p.add(own)
	defer p.drop(own)
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case err := <-own.done:
		return err
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
	group := p.take(own)
	if group == nil { // the batch before had taken it
		select {
		case err := <-own.done:
			return err
		case <-b.ctx.Done():
			return b.ctx.Err()
		}
	}
	var all []changeDoc
	for _, one := range group {
		all = append(all, one.changes...)
	}
	err := b.publishNow(all)
	others := group[1:]
	if err != nil { // they may have more time: a driver gives up a moment before its context ends, or long before
		p.add(others...)
		return err
	}
	for _, one := range others {
		one.done <- nil
	}
	return nil
}

// publishNow reads the number of the last step first and then looks for equal steps. The
// next numbers are inserted in order, up to the first that another process has taken.
// If one could be inserted, no other process added a step in between, so that search
// was complete. A step is never dated before the step that it follows, whatever the
// clocks say: so the steps that are too old to be needed are the first.
func (b *batch) publishNow(changes []changeDoc) error {
	feed := b.coll(credentials)
	for b.ctx.Err() == nil {
		last, _, err := lastStep(b.ctx, feed)
		if err != nil {
			return err
		}
		if changes, err = b.unpublished(changes); err != nil || len(changes) == 0 {
			return err
		}
		docs, at := make([]any, len(changes)), max(last.ChangedAt, moment(time.Now()))
		for i, c := range changes {
			c.ID, c.ChangedAt = last.ID+1+int64(i), at
			docs[i] = c
		}
		_, err = feed.InsertMany(b.ctx, docs) // ordered
		if there, ok := duplicates(err); !ok || len(there) == 0 {
			return err
		}
	}
	return b.ctx.Err()
}

// unpublished returns those of some changes that the feed does not have. It has a
// revocation if it has one of that customer with the same time or a later one.
func (b *batch) unpublished(changes []changeDoc) ([]changeDoc, error) {
	type credential struct {
		sessionID string
		version   int64
	}
	var sessionIDs []string
	var versions []int64
	from := neededFrom{}
	for _, c := range changes {
		if c.SessionID != nil {
			sessionIDs, versions = append(sessionIDs, *c.SessionID), append(versions, c.Version)
		} else {
			from.add(*c.CustomerID, *c.RevokedBefore)
		}
	}
	published := map[credential]bool{}
	if len(sessionIDs) > 0 {
		docs, err := all[changeDoc](b.ctx, b.coll(credentials), bson.M{"sessionId": bson.M{"$in": sessionIDs}, "version": bson.M{"$in": versions}},
			options.Find().SetProjection(only("sessionId", "version")))
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			published[credential{plain(d.SessionID), d.Version}] = true
		}
	}
	revoked, err := b.revocations(from)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(changes), func(c changeDoc) bool { // also what two batches publish together
		if c.SessionID != nil {
			one := credential{*c.SessionID, c.Version}
			there := published[one]
			published[one] = true
			return there
		}
		there := revoked.since(*c.CustomerID, *c.RevokedBefore)
		if !there {
			revoked.add(*c.CustomerID, *c.RevokedBefore)
		}
		return there
	}), nil
}

// neededFrom says of customers from what time on their revocations are needed. Each has a time
// of its own: a customer can have as many revocations as they like, and the facts of
// somebody who logged in long before are in the same batch.
type neededFrom map[string]bson.DateTime

func (n neededFrom) add(customerID string, at bson.DateTime) {
	if have, ok := n[customerID]; !ok || at < have {
		n[customerID] = at
	}
}

// filter selects the revocations that are needed.
func (n neededFrom) filter() bson.M {
	customers := map[bson.DateTime]bson.A{}
	for id, at := range n {
		customers[at] = append(customers[at], id)
	}
	var each bson.A
	for at, ids := range customers {
		each = append(each, bson.M{"customerId": bson.M{"$in": ids}, "revokedBefore": bson.M{"$gte": at}})
	}
	return bson.M{"$or": each}
}

// revocations are times before which customers' logins are void, in order.
type revocations map[string][]bson.DateTime

// revocations reads the revocations of some customers.
func (b *batch) revocations(from neededFrom) (revocations, error) {
	r := revocations{}
	if len(from) == 0 {
		return r, nil
	}
	docs, err := all[changeDoc](b.ctx, b.coll(credentials), from.filter(), options.Find().SetProjection(only("customerId", "revokedBefore")))
	for _, d := range docs {
		r.add(plain(d.CustomerID), *d.RevokedBefore)
	}
	return r, err
}

func (r revocations) add(customerID string, before bson.DateTime) {
	i, there := slices.BinarySearch(r[customerID], before)
	if !there {
		r[customerID] = slices.Insert(r[customerID], i, before)
	}
}

// since reports whether a revocation of a customer is at or after a time.
func (r revocations) since(customerID string, at bson.DateTime) bool {
	all := r[customerID]
	return len(all) > 0 && all[len(all)-1] >= at
}

// after returns the first revocation that ends what a customer authenticated at a time.
func (r revocations) after(customerID string, authenticated bson.DateTime) (bson.DateTime, bool) {
	i, there := slices.BinarySearch(r[customerID], authenticated)
	if there {
		i++
	}
	if i == len(r[customerID]) {
		return 0, false
	}
	return r[customerID][i], true
}
