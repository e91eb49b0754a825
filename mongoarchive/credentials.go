package mongoarchive

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/store"
)

// changeCredentials applies changes of credentials and revocations with the result that
// they have one after the other. It works that out from what is stored, writes the
// changes to the feed first and then to each session once. So no session of a customer
// has an end that is missing from the feed, where the other processes read it.
//
// A session that never had a customer is not in the feed. Whoever never had a customer
// cannot be taken for one, whatever copy of the session is found, and strangers could
// fill the feed. A first login is in it, because an old copy has the secret from
// before.
func (b *batch) changeCredentials() error {
	return inChunks(b.credentials, func(facts []store.Fact) error {
		for range attempts {
			if done, err := b.changeSome(facts); err != nil || done {
				return err
			}
		}
		return errBusy
	})
}

// changeSome returns false if another process changed one of the sessions meanwhile.
func (b *batch) changeSome(facts []store.Fact) (done bool, err error) {
	p, err := b.planOf(facts)
	if err != nil {
		return false, err
	}
	for i, fact := range facts {
		switch f := fact.(type) {
		case *store.CredentialsChanged:
			p.change(f, i)
		case *store.CustomerRevoked:
			p.revoke(f)
		}
	}
	if err := b.publish(p.feed); err != nil {
		return false, err
	}
	var updates []mongo.WriteModel
	for id, s := range p.sessions {
		if s.change != nil {
			updates = append(updates, s.update(id))
		}
	}
	matched, err := b.bulk(sessions, updates)
	if err != nil || matched < int64(len(updates)) {
		return false, err
	}
	// How many sessions a revocation reads is bounded by how many began within a
	// session's greatest age, not by how many the customer ever had. A session that
	// another process knows to be alive, because of activity that has not arrived here, is
	// closed by the feed.
	var ends []mongo.WriteModel
	for _, fact := range facts {
		if f, ok := fact.(*store.CustomerRevoked); ok {
			before := moment(f.Before)
			filter := b.aliveAt(before)
			filter["customerId"] = f.CustomerID
			filter["$or"] = bson.A{bson.M{"authenticatedAt": nil}, bson.M{"authenticatedAt": bson.M{"$lt": before}}}
			ends = append(ends, mongo.NewUpdateManyModel().SetUpdate(end(before)).SetFilter(filter))
		}
	}
	if len(ends) > 0 {
		if _, err := b.coll(sessions).BulkWrite(b.ctx, ends, options.BulkWrite().SetOrdered(true)); err != nil {
			return false, err
		}
	}
	return true, b.endRevoked(p.logins())
}

// A plan is what some facts change, in sessions and in the feed.
type plan struct {
	lives    store.Lifetimes
	sessions map[string]*planned
	revoked  revocations
	later    map[revocation]int // the position of each revocation of the batch
	feed     []changeDoc
	inFeed   map[step]bool // what is in there of sessions
}

type step struct {
	sessionID string
	version   int64
}

type revocation struct {
	customerID string
	before     bson.DateTime
}

// planned is what a session's credentials will be.
type planned struct {
	version       int64
	customerID    string
	authenticated time.Time
	ended         bool

	stored          *sessionDoc
	started, active bson.DateTime // when it began and was last seen

	change  *store.CredentialsChanged // the last one that counts, nil: none
	revoked *bson.DateTime            // what ended it after that
	seen    *bson.DateTime            // the latest end of a change that counts
	again   *store.CredentialsChanged // the one that is stored already: the steps after its write may have been cut off
}

// planOf reads what is stored of the sessions and customers of some facts.
func (b *batch) planOf(facts []store.Fact) (*plan, error) {
	p := &plan{lives: b.lives, sessions: map[string]*planned{}, later: map[revocation]int{}, inFeed: map[step]bool{}}
	var ids []string
	from := neededFrom{}
	for i, fact := range facts {
		switch f := fact.(type) {
		case *store.CredentialsChanged:
			ids = append(ids, f.SessionID)
			if f.Cred.CustomerID != "" {
				from.add(f.Cred.CustomerID, epochIfZero(f.Cred.AuthenticatedAt))
			}
		case *store.CustomerRevoked:
			from.add(f.CustomerID, moment(f.Before))
			p.later[revocation{f.CustomerID, moment(f.Before)}] = i
		}
	}
	if err := b.readCredentials(ids, p.sessions); err != nil {
		return nil, err
	}
	var absent []string
	for _, id := range ids {
		if p.sessions[id] == nil {
			absent = append(absent, id)
		}
	}
	if len(absent) > 0 { // folded after they were looked up, or unknown
		if err := b.takeOut(absent); err != nil {
			return nil, err
		}
		if err := b.readCredentials(absent, p.sessions); err != nil {
			return nil, err
		}
	}
	var err error
	p.revoked, err = b.revocations(from)
	return p, err
}

func (b *batch) readCredentials(ids []string, into map[string]*planned) error {
	if len(ids) == 0 {
		return nil
	}
	docs, err := all[sessionDoc](b.ctx, b.coll(sessions), bson.M{"_id": bson.M{"$in": ids}},
		options.Find().SetProjection(only("sessionId", "version", "customerId", "authenticatedAt", "endedAt", "startedAt", "lastSeenAt")))
	for _, d := range docs {
		into[d.SessionID] = &planned{version: d.Version, customerID: plain(d.CustomerID), authenticated: utc(d.AuthenticatedAt), ended: d.EndedAt != nil,
			stored: &d, started: epochIfUnknown(d.StartedAt), active: epochIfUnknown(d.LastSeenAt)}
	}
	return err
}

func (p *plan) change(f *store.CredentialsChanged, position int) {
	s, c := p.sessions[f.SessionID], &f.Cred
	if s == nil {
		return
	}
	if s.version > c.Version {
		if s.customerID == "" && s.ended && c.CustomerID != "" { // this login is the first to give the session a customer
			p.publish(f.SessionID, s.version)
		}
		return
	}
	if s.version == c.Version {
		if s.change == nil {
			s.again = f
		}
		return
	}
	if c.CustomerID != "" || s.customerID != "" {
		p.publish(f.SessionID, c.Version)
	}
	s.version, s.customerID, s.authenticated, s.ended = c.Version, c.CustomerID, c.AuthenticatedAt, !c.EndedAt.IsZero()
	s.change, s.revoked, s.again = f, nil, nil
	if at := known(c.EndedAt); at != nil && (s.seen == nil || *at > *s.seen) {
		s.seen, s.active = at, max(s.active, *at)
	}
	if s.customerID == "" || s.ended {
		return
	}
	// A revocation that follows in the batch may be in the feed already, because the
	// batch was cut off after that. It ends the login when its turn comes.
	for from := epochIfZero(s.authenticated); ; {
		before, ok := p.revoked.after(s.customerID, from)
		if !ok {
			return
		}
		if p.later[revocation{s.customerID, before}] <= position {
			p.end(s, before)
			return
		}
		from = before
	}
}

func (p *plan) revoke(f *store.CustomerRevoked) {
	before := moment(f.Before)
	for _, s := range p.sessions {
		if s.customerID == f.CustomerID && !s.ended && epochIfZero(s.authenticated) < before {
			p.end(s, before)
		}
	}
	if !p.revoked.since(f.CustomerID, before) {
		p.revoked.add(f.CustomerID, before)
		p.feed = append(p.feed, changeDoc{CustomerID: &f.CustomerID, RevokedBefore: &before})
	}
}

// publish puts into the feed that no version of a session below one counts any more.
func (p *plan) publish(sessionID string, version int64) {
	if s := (step{sessionID, version}); !p.inFeed[s] {
		p.inFeed[s] = true
		p.feed = append(p.feed, changeDoc{SessionID: &sessionID, Version: version})
	}
}

// end ends a session by a revocation, if it was alive then.
func (p *plan) end(s *planned, before bson.DateTime) {
	if s.started+bson.DateTime(p.lives.Absolute.Milliseconds()) > before && s.active+bson.DateTime(p.lives.Idle.Milliseconds()) > before {
		s.ended, s.revoked, s.version = true, &before, max(s.version, int64(before))
	}
}

// update writes all of a session's planned credentials.
func (s *planned) update(sessionID string) mongo.WriteModel {
	c := &s.change.Cred
	set := bson.M{
		"version": s.version, "secretHash": c.SecretHash[:], "supersededHash": superseded(c.Superseded), "customerId": text(c.CustomerID), "type": string(c.Type()),
		"authenticatedAt": known(c.AuthenticatedAt), "endedAt": known(c.EndedAt), "endReason": text(string(c.EndReason)),
	}
	if s.revoked != nil {
		set["endedAt"], set["endReason"] = *s.revoked, string(store.EndRevoked)
	}
	update := bson.M{"$set": set, "$unset": bson.M{"foldedInto": ""}}
	if s.seen != nil {
		update["$max"] = bson.M{"lastSeenAt": *s.seen}
	}
	return mongo.NewUpdateOneModel().SetUpdate(update).
		SetFilter(bson.M{"_id": sessionID, "version": bson.M{"$gte": s.stored.Version, "$lt": c.Version}, "customerId": s.stored.CustomerID})
}

// loggedIn is a session of which a customer was authenticated at a time.
type loggedIn struct {
	sessionID, customerID string
	authenticated         time.Time
}

func (p *plan) logins() (logins []loggedIn) {
	for id, s := range p.sessions {
		f := s.change
		if f == nil {
			f = s.again
		}
		if f != nil && f.Cred.CustomerID != "" && f.Cred.EndedAt.IsZero() {
			logins = append(logins, loggedIn{id, f.Cred.CustomerID, f.Cred.AuthenticatedAt})
		}
	}
	return logins
}

// endRevoked applies revocations that were stored before the logins they end: those
// made after the login's password check, while the session was alive. The result is the
// same as if the login had been stored first.
//
// A login is stored before it looks for revocations, and a revocation before it
// looks for logins. So when both happen at the same time, at least one of them
// sees the other.
func (b *batch) endRevoked(logins []loggedIn) error {
	from := neededFrom{}
	for _, l := range logins {
		from.add(l.customerID, epochIfZero(l.authenticated))
	}
	revoked, err := b.revocations(from)
	if err != nil {
		return err
	}
	var updates []mongo.WriteModel
	for _, l := range logins {
		if before, ok := revoked.after(l.customerID, epochIfZero(l.authenticated)); ok {
			filter := b.aliveAt(before)
			filter["_id"], filter["customerId"], filter["authenticatedAt"] = l.sessionID, l.customerID, known(l.authenticated)
			updates = append(updates, mongo.NewUpdateOneModel().SetUpdate(end(before)).SetFilter(filter))
		}
	}
	_, err = b.bulk(sessions, updates)
	return err
}

// aliveAt selects sessions that were alive at a time.
func (b *batch) aliveAt(at bson.DateTime) bson.M {
	return bson.M{
		"startedAt":  bson.M{"$gt": at - bson.DateTime(b.lives.Absolute.Milliseconds())},
		"lastSeenAt": bson.M{"$gt": at - bson.DateTime(b.lives.Idle.Milliseconds())},
		"endedAt":    nil,
	}
}

func end(at bson.DateTime) bson.M {
	return bson.M{"$set": bson.M{"endedAt": at, "endReason": string(store.EndRevoked)}, "$max": bson.M{"version": int64(at)}}
}

func epochIfZero(t time.Time) bson.DateTime {
	if t.IsZero() {
		return 0
	}
	return moment(t)
}
