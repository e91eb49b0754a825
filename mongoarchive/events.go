package mongoarchive

import (
	"errors"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// insertEvents inserts the batch's events and notes the activity they stand for.
// If an event is stored already, the stored one is used.
func (b *batch) insertEvents() error {
	if len(b.events) == 0 {
		return nil
	}
	old := map[string]bool{}
	for rest := b.events; len(rest) > 0; {
		command, n := appendInsert(b.command[:0], rest)
		b.command = command
		there, err := b.runInsert(sessionEvents, command)
		if err != nil {
			return err
		}
		for _, i := range there {
			old[rest[i].EventID] = true
		}
		rest = rest[n:]
	}
	for _, e := range b.events {
		if !old[e.EventID] {
			b.noteEvent(e.SessionID, e.EventType, e.CreatedAt.UnixMilli())
		}
	}
	names := make([]string, 0, len(old))
	for id := range old {
		names = append(names, id)
	}
	for len(names) > 0 {
		n := min(len(names), perCommand)
		stored, err := all[eventDoc](b.ctx, b.coll(sessionEvents), bson.M{"_id": bson.M{"$in": names[:n]}},
			options.Find().SetProjection(only("_id", "sessionId", "eventType", "createdAt")))
		if err != nil {
			return err
		}
		for _, d := range stored {
			b.noteEvent(d.SessionID, d.EventType, utc(d.CreatedAt).UnixMilli())
		}
		names = names[n:]
	}
	return nil
}

// noteEvent notes in an event's touch what the event changes in its session.
func (b *batch) noteEvent(sessionID, eventType string, at int64) {
	t := b.touched[sessionID]
	if t == nil { // the id belongs to an event of another session
		return
	}
	switch eventType {
	case store.EventOrderCompleted, store.EventRefund: // not activity of the visitor: a refund may come weeks later
	default:
		t.lastSeen = max(t.lastSeen, at)
	}
	t.views = t.views || eventType == store.EventPageView
}

// updateTouched writes the batch's changes to some sessions. Page views are
// counted after the insert and then raised to the count, never added to: so a
// replay changes nothing, and of two processes the one that inserts last counts
// all events. Sessions that others were folded into are counted at the end (see
// recount), because their count can fall.
func (b *batch) updateTouched(ids []string) error {
	var viewed []string
	for _, id := range ids {
		if b.touched[id].views {
			viewed = append(viewed, id)
		}
	}
	views, hosts, err := b.countViews(viewed)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		delete(views, host)
		b.hosts[host] = true
	}
	matched, err := b.raise(ids, views)
	if err != nil || matched == int64(len(ids)) {
		return err
	}
	if err := b.takeOut(ids); err != nil { // some session was folded after it was looked up, or is unknown
		return err
	}
	if matched, err = b.raise(ids, views); err != nil || matched == int64(len(ids)) {
		return err
	}
	if err := b.noteUnknown(ids); err != nil {
		return err
	}
	_, err = b.raise(ids, views)
	return err
}

// raise raises page views and last-seen times. It returns how many of the
// sessions exist.
func (b *batch) raise(ids []string, views map[string]int64) (int64, error) {
	command, array := appendCommandStart(b.command[:0], "update", sessions, "updates")
	for i, id := range ids {
		command = appendRaise(command, strconv.Itoa(i), id, views[id], b.touched[id].lastSeen)
	}
	b.command = appendCommandEnd(command, array)
	return b.runUpdate(sessions, b.command)
}

// fewViews is the average number of page views per session up to which they are
// read and counted here. Above it the server counts them and answers with one
// document per session instead of one per view. With hundreds of views per
// session, that takes 1 % of the process's CPU in place of 7 %.
const fewViews = 20

// countViews counts the page views of sessions, including those of the sessions
// folded into them. It also returns which sessions have others folded into them.
func (b *batch) countViews(ids []string) (views map[string]int64, hosts []string, err error) {
	views = make(map[string]int64, len(ids))
	if len(ids) == 0 {
		return views, nil, nil
	}
	guests, err := b.guests(ids)
	if err != nil {
		return nil, nil, err
	}
	family, home, wanted := slices.Clone(ids), map[string]string{}, setOf(ids)
	for host, of := range guests {
		hosts = append(hosts, host)
		for _, guest := range of {
			if !wanted[guest] { // otherwise another process is folding it right now
				home[guest] = host
				family = append(family, guest)
			}
		}
	}
	count := func(sessionID string, n int64) {
		if host, ok := home[sessionID]; ok {
			sessionID = host
		}
		views[sessionID] += n
	}
	are := bson.M{"sessionId": bson.M{"$in": family}, "eventType": store.EventPageView}
	most := fewViews * len(family)
	read, err := b.eachView(are, most+1, count)
	if err != nil || read <= most {
		return views, hosts, err
	}
	clear(views)
	cursor, err := b.coll(sessionEvents).Aggregate(b.ctx, bson.A{
		bson.M{"$match": are}, bson.M{"$group": bson.D{{Key: "_id", Value: "$sessionId"}, {Key: "n", Value: bson.M{"$sum": 1}}}},
	}, options.Aggregate().SetBatchSize(int32(len(family)+1)))
	if err != nil {
		return nil, nil, err
	}
	defer closeCursor(b.ctx, cursor)
	for cursor.Next(b.ctx) {
		id, _ := cursor.Current.Lookup("_id").StringValueOK()
		n, ok := cursor.Current.Lookup("n").AsInt64OK()
		if !ok {
			return nil, nil, errCount
		}
		count(id, n)
	}
	return views, hosts, cursor.Err()
}

var errCount = errors.New("the server's count is not a number")

// eachView reads at most this many page views.
func (b *batch) eachView(are bson.M, most int, found func(sessionID string, n int64)) (read int, err error) {
	cursor, err := b.coll(sessionEvents).Find(b.ctx, are, options.Find().SetProjection(only("sessionId")).SetLimit(int64(most)).SetBatchSize(int32(most)))
	if err != nil {
		return 0, err
	}
	defer closeCursor(b.ctx, cursor)
	for ; cursor.Next(b.ctx); read++ {
		if id, ok := cursor.Current.Lookup("sessionId").StringValueOK(); ok {
			found(id, 1)
		}
	}
	return read, cursor.Err()
}
