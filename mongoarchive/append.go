package mongoarchive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/footfall-go/footfall/store"
)

// Append stores a batch in steps. If it is cut off between two steps, appending
// the same facts again completes it.
func (a *Archive) Append(ctx context.Context, facts []store.Fact) error {
	if err := a.append(ctx, facts); err != nil {
		return fmt.Errorf("mongoarchive: append: %w", oneLine(classify(err)))
	}
	return nil
}

func (a *Archive) append(ctx context.Context, facts []store.Fact) error {
	for _, fact := range facts { // before the first write, so that nothing of a refused batch is stored
		if !isKnown(fact) {
			return fmt.Errorf("%w: a fact of type %T", store.ErrRejected, fact)
		}
		if err := store.CheckAmount(fact); err != nil {
			return err
		}
	}
	if len(facts) == 0 {
		return nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := a.writing(ctx)
	if err != nil {
		return err
	}
	b := newBatch(ctx, c)
	b.lives = a.lives
	return b.apply(facts)
}

func isKnown(fact store.Fact) bool {
	switch fact.(type) {
	case *store.SessionBegun, *store.EventRecorded, *store.SessionSeen, *store.CredentialsChanged, *store.CustomerRevoked, *store.ValueSet,
		*store.OrderPlaced, *store.OrderRefunded, *store.BotSeen, *store.SessionsFolded, *store.VisitsUncounted:
		return true
	}
	return false
}

// A batch is one Append. It sorts its facts by kind and writes each kind with a few
// commands for each perCommand facts, whatever their order and however many there are
// of one session. The result is the same as if they were applied one after the other:
// facts of different kinds change different fields, and where the order matters, for
// credentials and folds, it is kept.
type batch struct {
	ctx   context.Context
	c     *connection
	lives store.Lifetimes

	begins      []*store.Record
	events      []*store.Event
	touched     map[string]*touch // by session id
	values      []*store.ValueSet
	credentials []store.Fact // CredentialsChanged and CustomerRevoked
	placed      []placed
	latest      map[string]latestOrder // by session id: the latest order in this batch or in a note
	refunds     []*store.OrderRefunded
	folds       []positioned
	bots        []any // documents
	uncounted   []any // documents

	arrived  []string         // sessions that begin and that facts came for before
	hosts    map[string]bool  // sessions that others are or were folded into: their page views are counted at the end
	restored map[string]int64 // sessions that were folded: their copies up to this number are deleted at the end

	command []byte // the latest one, whose memory the next one reuses
}

// A touch is what a batch changes in one session.
type touch struct {
	lastSeen int64
	views    bool // there may be new page views
	latest   int  // the position in the batch of the last fact that touches the session, -1: none
}

type positioned struct {
	*store.SessionsFolded
	position int
}

func newBatch(ctx context.Context, c *connection) *batch {
	return &batch{ctx: ctx, c: c, touched: map[string]*touch{}, latest: map[string]latestOrder{}, hosts: map[string]bool{}, restored: map[string]int64{}}
}

// apply writes what strangers can send without any customer, bots and visits past the
// cap, after all else: if that fails, the other facts are stored.
func (b *batch) apply(facts []store.Fact) error {
	b.sort(facts)
	for _, step := range []func() error{
		b.checkRefunds, b.placeOrders, b.beginAll, b.takeOutTouched, b.insertEvents, b.updateAllTouched, b.setValues, b.changeCredentials, b.convert, b.refund,
		b.fold, b.recountHosts, b.changeDays, b.forgetCopies, b.forgetNotes, b.insertStrangers,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) sort(facts []store.Fact) {
	for i, fact := range facts {
		switch f := fact.(type) {
		case *store.SessionBegun:
			b.begins = append(b.begins, &f.Record)
		case *store.EventRecorded:
			b.addEvent(&f.Event, i)
		case *store.SessionSeen:
			t := b.touchAt(f.SessionID, i)
			t.lastSeen = max(t.lastSeen, f.At.UnixMilli())
		case *store.CredentialsChanged:
			b.touchAt(f.SessionID, i)
			b.credentials = append(b.credentials, f)
		case *store.CustomerRevoked:
			b.credentials = append(b.credentials, f)
		case *store.ValueSet:
			b.touchAt(f.SessionID, i)
			b.values = append(b.values, f)
		case *store.OrderPlaced: // whether it touches the session that it names is known when it is stored
			b.placed = append(b.placed, placed{f, i})
		case *store.OrderRefunded:
			b.refunds = append(b.refunds, f)
			if f.SessionID != "" {
				e := f.Event()
				b.addEvent(&e, i)
			}
		case *store.SessionsFolded:
			b.folds = append(b.folds, positioned{f, i})
		case *store.BotSeen:
			b.bots = append(b.bots, botDoc(f))
		case *store.VisitsUncounted:
			b.uncounted = append(b.uncounted, uncountedDoc(f))
		}
	}
}

func (b *batch) addEvent(e *store.Event, position int) {
	b.touchAt(e.SessionID, position)
	b.events = append(b.events, e)
}

func (b *batch) touch(sessionID string) *touch {
	t := b.touched[sessionID]
	if t == nil {
		t = &touch{latest: -1}
		b.touched[sessionID] = t
	}
	return t
}

func (b *batch) touchAt(sessionID string, position int) *touch {
	t := b.touch(sessionID)
	t.latest = max(t.latest, position)
	return t
}

func (b *batch) touchedIDs() []string {
	ids := make([]string, 0, len(b.touched))
	for id := range b.touched {
		ids = append(ids, id)
	}
	slices.Sort(ids) // all processes use the same order
	return ids
}

func (b *batch) beginAll() error { return inChunks(b.begins, b.begin) }

func (b *batch) takeOutTouched() error { return inChunks(b.touchedIDs(), b.takeOut) }

func (b *batch) updateAllTouched() error { return inChunks(b.touchedIDs(), b.updateTouched) }

// begin inserts the sessions that do not exist yet. Visitors are stored before
// their sessions, so that no stored session lacks its visitor.
func (b *batch) begin(records []*store.Record) error {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.SessionID
	}
	// In this order, because a session on its way to folded_sessions is in both
	// collections.
	there, err := b.ids(sessions, "_id", bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return err
	}
	folded, err := b.ids(foldedSessions, "sessionId", bson.M{"sessionId": bson.M{"$in": ids}, "whole": true})
	if err != nil {
		return err
	}
	var fresh []*store.Record
	seen := newSightings()
	var logins []loggedIn
	for _, r := range records {
		if r.CustomerID != "" && r.EndedAt.IsZero() {
			logins = append(logins, loggedIn{r.SessionID, r.CustomerID, r.AuthenticatedAt})
		}
		if there[r.SessionID] || folded[r.SessionID] {
			continue
		}
		there[r.SessionID] = true
		fresh = append(fresh, r)
		seen.add(r.VisitorID, moment(r.StartedAt))
	}
	if err := b.see(seen); err != nil {
		return err
	}
	for len(fresh) > 0 {
		command, n, err := appendSessions(b.command[:0], fresh)
		if err != nil {
			return err
		}
		b.command = command
		if _, err := b.runInsert(sessions, command); err != nil {
			return err
		}
		fresh = fresh[n:]
	}
	if err := b.endRevoked(logins); err != nil {
		return err
	}
	return b.awaited(ids)
}

// insertStrangers tries each collection, so that one that cannot be written to keeps
// nothing out of another.
func (b *batch) insertStrangers() error {
	var errs []error
	for collection, docs := range map[string][]any{botViews: b.bots, uncounted: b.uncounted} {
		if len(docs) == 0 {
			continue
		}
		if _, err := b.insert(collection, docs); err != nil {
			errs = append(errs, fmt.Errorf("%s, after all other facts were stored: %w", collection, err))
		}
	}
	return errors.Join(errs...)
}

func botDoc(f *store.BotSeen) bson.D {
	return bson.D{
		{Key: "_id", Value: f.EventID}, {Key: "eventId", Value: f.EventID}, {Key: "reason", Value: f.Reason}, {Key: "userAgent", Value: text(f.UserAgent)},
		{Key: "ipAddress", Value: text(f.IPAddress)}, {Key: "page", Value: text(f.Page)}, {Key: "createdAt", Value: moment(f.At)},
	}
}

func uncountedDoc(f *store.VisitsUncounted) bson.D {
	return bson.D{
		{Key: "_id", Value: f.EventID}, {Key: "eventId", Value: f.EventID}, {Key: "minute", Value: moment(f.Minute)}, {Key: "bots", Value: f.Bots}, {Key: "reason", Value: f.Reason}, {Key: "count", Value: f.Count},
	}
}
