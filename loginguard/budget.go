package loginguard

import "time"

// A budget says how many attempts may fail before there are pauses, how long these are,
// and how fast the budget fills again.
type budget struct {
	free    int           // failures without a pause
	first   time.Duration // the pause after the last free failure; each further one doubles it
	longest time.Duration // bound of a pause
	refill  time.Duration // one failure is forgotten each time that this has passed
}

// With these, an account takes 11 guesses at once and about 100 a day over all networks,
// at most 10 at once and about 24 a day of them from one network, so that one network
// alone does not use up what the account has. A network's limits are wide, since an office
// or a mobile operator has many customers behind one.
var (
	ofAccount = budget{free: 11, first: 10 * time.Second, longest: 15 * time.Minute, refill: 15 * time.Minute}
	ofPair    = budget{free: 10, first: time.Minute, longest: time.Hour, refill: time.Hour}
	ofDevice  = budget{free: 10, first: 30 * time.Second, longest: 15 * time.Minute, refill: 15 * time.Minute}

	of24 = budget{free: 100, first: time.Second, longest: time.Minute, refill: 3 * time.Second}
	of64 = budget{free: 30, first: time.Second, longest: time.Minute, refill: 10 * time.Second}
	of56 = budget{free: 60, first: time.Second, longest: time.Minute, refill: 5 * time.Second}
	of48 = budget{free: 100, first: time.Second, longest: time.Minute, refill: 3 * time.Second}
)

// pause is the pause after a number of failures.
func (b budget) pause(failures int) time.Duration {
	if failures < b.free {
		return 0
	}
	p := b.first
	for range failures - b.free {
		if p *= 2; p >= b.longest {
			return b.longest
		}
	}
	return p
}

// Failures are what is remembered of failed attempts. Times are since the guard was made;
// of those in a shared document, since 1970.
type failures struct {
	n      int32
	free   int32         // of the budget
	refill time.Duration // of the budget
	at     time.Duration // when n was right
	until  time.Duration // the end of the pause
}

// age forgets the failures that are long enough ago.
func (f *failures) age(now time.Duration) {
	forgotten := (now - f.at) / f.refill
	if forgotten >= time.Duration(f.n) {
		f.n, f.at = 0, now
		return
	}
	f.n -= int32(forgotten)
	f.at += forgotten * f.refill
}

// count counts a failure. It returns the end of the pause before and since.
func (f *failures) count(b budget, now time.Duration) (before, after time.Duration) {
	f.age(now)
	f.n++
	before = f.until
	if p := b.pause(int(f.n)); p > 0 {
		f.until = now + p
	}
	return before, f.until
}

// takeBack takes back a failure, and the pause that it began unless another one did since.
func (f *failures) takeBack(before, after time.Duration) {
	f.n = max(0, f.n-1)
	if f.until == after {
		f.until = before
	}
}

// used is the part of the budget that is used up, 1 and more during the pauses.
func (f failures) used(now time.Duration) float64 {
	f.age(now)
	if f.n == 0 && f.until > now {
		return 1
	}
	return float64(f.n) / float64(f.free)
}

// A table holds failures, in a bounded number of entries.
type table struct {
	kind    string // of the documents that share it
	entries map[key]failures
	limit   int
	dropped uint64
}

func newTable(kind string, limit int) *table {
	return &table{kind: kind, entries: map[key]failures{}, limit: limit}
}

func (t *table) pausedUntil(k key) time.Duration { return t.entries[k].until }

// count counts a failure of a key.
func (t *table) count(k key, b budget, now time.Duration) (before, after time.Duration) {
	f, found := t.entries[k]
	if !found {
		t.makeRoom(now)
		f = failures{free: int32(b.free), refill: b.refill, at: now}
	}
	before, after = f.count(b, now)
	t.entries[k] = f
	return before, after
}

// takeBack takes back a failure of a key.
func (t *table) takeBack(k key, before, after time.Duration) {
	f, found := t.entries[k]
	if !found {
		return
	}
	f.takeBack(before, after)
	t.entries[k] = f
}

// sample is how many entries of a full table, or a table of devices, are compared to find
// one to drop. Whoever wants another's entry dropped must fill the table with entries that
// have used as much of their budgets.
const sample = 16

// makeRoom is called before an entry is added. It removes entries that say nothing any
// more, and one that does if the table is full nevertheless: the one that has used the
// least of its budget, of a sample. A map is ranged over from a random place.
func (t *table) makeRoom(now time.Duration) {
	look := 2 // more than are added, so that the table becomes small again
	if len(t.entries) >= t.limit {
		look = sample
	}
	var least key
	lowest := -1.0
	for k, f := range t.entries {
		switch used := f.used(now); {
		case used == 0:
			delete(t.entries, k)
		case lowest < 0 || used < lowest:
			least, lowest = k, used
		}
		if look--; look == 0 {
			break
		}
	}
	if len(t.entries) >= t.limit && lowest >= 0 {
		delete(t.entries, least)
		t.dropped++
	}
}
