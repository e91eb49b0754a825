package engine

import "math/bits"

// A set has numbers of visitors.
type set []uint64

func newSet(visitors int) set { return make(set, (visitors+63)/64) }

func (s set) add(n uint32) { s[n/64] |= 1 << (n % 64) }

func (s set) count() (n int64) {
	for _, word := range s {
		n += int64(bits.OnesCount64(word))
	}
	return n
}

// Pairs are groups and their visitors, sorted by group.
type pairs struct {
	ends     []int    // of each group, behind its visitors
	visitors []uint32 // of all groups, one after the other
}

// sortPairs sorts pairs of groups and visitors by group: it counts how many a group has, and
// then puts each where it belongs. each is called twice, with a function for each pair.
func sortPairs(groups int, each func(pair func(group, visitor uint32))) pairs {
	next := make([]int, groups+1)
	each(func(group, _ uint32) { next[group+1]++ })
	for g := range groups {
		next[g+1] += next[g]
	}
	p := pairs{ends: next[:groups], visitors: make([]uint32, next[groups])}
	each(func(group, visitor uint32) {
		p.visitors[p.ends[group]] = visitor
		p.ends[group]++
	})
	return p
}

// of are the visitors of a group; one may be there several times.
func (p *pairs) of(group int) []uint32 {
	if group == 0 {
		return p.visitors[:p.ends[0]]
	}
	return p.visitors[p.ends[group-1]:p.ends[group]]
}

// distinct counts the distinct visitors of each group.
func (p *pairs) distinct(visitors int) []int64 {
	counts, latest := make([]int64, len(p.ends)), make([]uint32, visitors)
	for g := range p.ends {
		mark := uint32(g) + 1 //nolint:gosec // there are fewer groups
		for _, v := range p.of(g) {
			if latest[v] != mark {
				latest[v] = mark
				counts[g]++
			}
		}
	}
	return counts
}
