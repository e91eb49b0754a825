package loginguard

import "time"

// devicesPerAccount is how many devices an account knows. The bound is per account so
// that nobody crowds out other accounts' devices by logging in to their own.
const devicesPerAccount = 10

// A device has logged in to an account.
type device struct {
	key   key
	login time.Duration // the latest
}

// devices are those that accounts know: a bounded number of accounts, with a bounded
// number of devices each.
type devices struct {
	of      map[key][]device // by account; the latest login is the last
	limit   int
	dropped uint64
}

func newDevices(limit int) *devices { return &devices{of: map[key][]device{}, limit: limit} }

func (d *devices) knows(account, k key) bool {
	for _, known := range d.of[account] {
		if known.key == k {
			return true
		}
	}
	return false
}

// add makes a device the latest of an account.
func (d *devices) add(account, k key, now time.Duration) {
	all, found := d.of[account]
	if !found && len(d.of) >= d.limit {
		d.dropOldest()
	}
	kept := make([]device, 0, len(all)+1)
	for _, known := range all {
		if known.key != k {
			kept = append(kept, known)
		}
	}
	if len(kept) == devicesPerAccount {
		kept = kept[1:]
		d.dropped++
	}
	d.of[account] = append(kept, device{k, now})
}

// dropOldest drops an account's devices: those of the account, of a sample, whose latest
// login is the oldest.
func (d *devices) dropOldest() {
	var oldest key
	var at time.Duration
	look := sample
	for account, all := range d.of {
		if login := all[len(all)-1].login; look == sample || login < at {
			oldest, at = account, login
		}
		if look--; look == 0 {
			break
		}
	}
	d.dropped += uint64(len(d.of[oldest]))
	delete(d.of, oldest)
}
