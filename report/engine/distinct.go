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
