package mongoarchive

import (
	"errors"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// insertEvents inserts the round's events and notes the activity that they are.
// Of an event that was there already, what is stored counts.
func (b *batch) insertEvents() error {
	if len(b.events) == 0 {
		return nil
	}
	old := map[string]bool{}
	for rest := b.events; len(rest) > 0; {
		command, n := appendInsert(b.command[:0], rest)
		b.command = command
		there, err := b.runInsert(command)
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
		n := min(len(names), idsPerQuery)
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

// noteEvent notes what an event of a touched session changes in it.
func (b *batch) noteEvent(sessionID, eventType string, at int64) {
	t := b.touched[sessionID]
	if t == nil { // an id that another session's event has
		return
	}
	switch eventType {
	case store.EventOrderCompleted, store.EventRefund: // no sign of the visitor: they may come long after the visit
	default:
		t.lastSeen = max(t.lastSeen, at)
	}
	t.views = t.views || eventType == store.EventPageView
}

// updateTouched writes what the round changed of some sessions. Counted after
// the insert and raised, never added to: then a replay changes nothing, and of
// two processes the one that inserts last counts all. What others were folded
// into is counted once more, because such a count can fall.
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
	}
	for chunk := range slices.Chunk(ids, updatesPerBulk) {
		matched, err := b.raise(chunk, views)
		if err != nil {
			return err
		}
		if matched < int64(len(chunk)) { // one was folded since it was looked up, or is not known at all
			if err := b.takeOut(chunk); err != nil {
				return err
			}
			if _, err := b.raise(chunk, views); err != nil {
				return err
			}
		}
	}
	for _, host := range hosts {
		if err := b.recount(host); err != nil {
			return err
		}
	}
	return nil
}

// raise raises page views and last-seen times, and returns how many sessions
// there are to raise them of.
func (b *batch) raise(ids []string, views map[string]int64) (int64, error) {
	command, array := appendCommandStart(b.command[:0], "update", sessions, "updates")
	for i, id := range ids {
		command = appendRaise(command, strconv.Itoa(i), id, views[id], b.touched[id].lastSeen)
	}
	b.command = appendCommandEnd(command, array)
	return b.runUpdate(b.command)
}

// fewViews is how many page views of a session are read to count them, on
// average. Of more, the server counts: a document for each session is the answer
// then, not one for each view. With hundreds of views that is 1 % of the process
// in place of 7.
const fewViews = 20

// countViews counts the page views of sessions with those folded into them, and
// names the sessions that have such.
func (b *batch) countViews(ids []string) (views map[string]int64, hosts []string, err error) {
	views = make(map[string]int64, len(ids))
	if len(ids) == 0 {
		return views, nil, nil
	}
	guests, err := b.guests(ids)
	if err != nil {
		return nil, nil, err
	}
	family, home := slices.Clone(ids), map[string]string{}
	for host, of := range guests {
		hosts = append(hosts, host)
		for _, guest := range of {
			if !slices.Contains(ids, guest) { // else another process folds it just now
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

var errCount = errors.New("the server's count is no number")

// eachView reads at most so many page views.
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
