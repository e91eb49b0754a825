// Package loginguard slows down strangers who guess passwords, without letting them
// lock the owner of an account out.
//
// It follows the scheme that OWASP calls "Slow Down Online Guessing Attacks with Device
// Cookies"
// (https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies):
// a browser that has logged in to an account before is told from all others by a signed
// cookie. Footfall's visitor cookie does for that: [footfall.Visitor] returns the id in
// it, and that is a [Login]'s Device. Failed attempts are counted
//
//   - for each device that an account knows: a budget of its own, which nobody else can
//     spend, and which is the only one that counts for it;
//   - for each account, over all other browsers on all networks;
//   - for each account and network, so that one network alone cannot use up the budget of
//     an account;
//   - for each network, over all accounts: /24 in IPv4; /64, /56 and /48 in IPv6.
//
// When a budget is used up, a pause follows each further failure. The pauses grow up to a
// bound (15 minutes for an account), and each budget fills again with time, so nothing is
// locked for ever. An attempt during a pause is refused, whatever its password, and
// prolongs nothing.
//
// An attempt counts before its password is checked, so parallel attempts count too. It is
// taken back if the password was right, or was not checked at all because the client
// went away or the check failed. A right password takes back nothing else: who guesses
// gains nothing from the owner's login.
//
// Password checks are slow by intent. At most [Config].Checks run at once, a bounded
// number of them wait, and none waits longer than Config.Wait; beyond that [Guard.Check]
// returns [ErrBusy]. Known devices wait apart from strangers, so a flood of guesses does
// not keep them out.
//
// # What a shop does
//
//	right, err := guard.Check(r.Context(), loginguard.Login{Account: email, Device: visitor, From: addr}, func() (bool, error) {
//		return bcrypt.CompareHashAndPassword(hash, password) == nil, nil
//	})
//
// A [*PausedError] is answered with 429 and Retry-After, ErrBusy with 503 and Retry-After,
// and a wrong password with the same 401 for every account. The guard does not know which
// accounts exist and treats all alike. The shop's function must do so too: for an account
// that does not exist it compares the password with any hash of the same cost.
//
// An attacker with very many networks can keep an account paused for browsers that never
// logged in to it. Who proves to be the owner in another way, with a link in an e-mail
// say, gets the browser known by [Guard.Trust].
//
// # Bounds
//
// Without [Config].Shared all state is in the memory of this process: strangers have the
// budgets once for each instance, and a restart forgets them, known devices too.
//
// With it, the guards of all instances that have the same [Store] spend the same budgets
// and know the same devices: an attempt counts in the tables of its process, and in a
// document of the store for each place where it counts. It is refused if either is
// paused. If the store fails, is slower than Config.SharedWait, or has something else
// under the name of a document, the tables of the process alone hold; so the store's
// failure refuses nobody, and strangers have the budgets once for each instance while it
// lasts. Stats.Unshared counts that.
//
// A document has about 60 bytes, in Redis 250 with its key, and is gone when its budget is
// full again: an hour after a single failure at the latest, and 26 hours after many. There
// are at most 5 documents for each wrong password of that time, and Config.Checks bounds
// how many passwords are checked. Attempts that were not checked leave none behind, unless
// the store was too slow to take them back. An account's devices have about 400 bytes and are
// gone 90 days after the latest login with any of them. The names of documents, and of
// devices in them, are made with Config.SharedSecret. A document that was forged or
// damaged locks nobody out for longer than the budget's longest pause. Clocks of
// instances that differ by some seconds make pauses differ by as much.
//
// There are four tables of failed attempts (by account, by account and network, by
// network, by known device) with at most Config.Entries entries each. In a full table a
// new entry takes the place of the one that has used the smallest part of its budget, of
// 16 taken at random; so a flood of names or addresses does not give a used-up budget
// back. An account knows its latest 10 devices; at most Config.Entries accounts have such,
// and the one whose latest login is the oldest, of 16 taken at random, goes first. Its
// owner is then a stranger until the next login. An entry has about 110 bytes, an
// account's devices 400: at most 55 MB with the default of Config.Entries. [Stats] counts
// what was dropped.
//
// [footfall.Visitor]: https://pkg.go.dev/github.com/footfall-go/footfall#Visitor
package loginguard
