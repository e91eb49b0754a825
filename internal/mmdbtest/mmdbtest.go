// Package mmdbtest writes small databases in the MaxMind DB format, for tests. It owns
// the part of the format that they need: a tree of 24 bits for IPv6, in which IPv4 is
// ::/96, and maps, texts and numbers as data. It never writes a database for use.
package mmdbtest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Write returns a database of this type (like GeoLite2-City) that has these records: maps
// of texts, numbers and maps. A longer network wins over a shorter one that holds it.
func Write(databaseType string, records map[netip.Prefix]map[string]any) []byte {
	networks := slices.SortedFunc(maps.Keys(records), func(a, b netip.Prefix) int {
		return cmp.Or(length(a)-length(b), a.Addr().Compare(b.Addr()))
	})
	t := tree{{}}
	var data []byte
	for _, network := range networks {
		t.insert(network, len(data))
		data = appendValue(data, records[network])
	}
	var file []byte
	for _, n := range t {
		for _, b := range n {
			file = append24(file, b.value(len(t)))
		}
	}
	file = append(file, make([]byte, 16)...)
	file = append(file, data...)
	file = append(file, "\xab\xcd\xefMaxMind.com"...)
	return appendValue(file, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1_700_000_000),
		"database_type": databaseType, "description": map[string]any{"en": "for tests"}, "ip_version": uint16(6),
		"languages": []any{"en"}, "node_count": uint32(len(t)), "record_size": uint16(24),
	})
}

// A branch is one half of a node: another node, data, or nothing.
type branch struct {
	node int // 0: none, because the root is nobody's branch
	data int // where its data is, and 1
}

func (b branch) value(nodes int) int {
	switch {
	case b.node > 0:
		return b.node
	case b.data > 0:
		return nodes + 16 + b.data - 1
	}
	return nodes
}

type tree [][2]branch

// length is how many bits of the tree a network takes.
func length(network netip.Prefix) int {
	if network.Addr().Is4() {
		return 96 + network.Bits()
	}
	return network.Bits()
}

func (t *tree) insert(network netip.Prefix, data int) {
	var bits [16]byte
	if a := network.Addr(); a.Is4() {
		four := a.As4()
		copy(bits[12:], four[:])
	} else {
		bits = a.As16()
	}
	node := 0
	for i := range length(network) {
		b := &(*t)[node][bits[i/8]>>(7-i%8)&1]
		if i == length(network)-1 {
			*b = branch{data: data + 1}
			return
		}
		if b.node == 0 { // what a shorter network has here goes to both halves
			*t = append(*t, [2]branch{{data: b.data}, {data: b.data}})
			b = &(*t)[node][bits[i/8]>>(7-i%8)&1] // it may stand elsewhere now
			*b = branch{node: len(*t) - 1}
		}
		node = b.node
	}
}

func append24(b []byte, n int) []byte { return append(b, byte(n>>16), byte(n>>8), byte(n)) }

// The types of data in the format.
const (
	typeText   = 2
	typeUint16 = 5
	typeUint32 = 6
	typeMap    = 7
	typeUint64 = 9
	typeArray  = 11
)

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return append(appendControl(b, typeText, len(v)), v...)
	case uint16:
		return binary.BigEndian.AppendUint16(appendControl(b, typeUint16, 2), v)
	case uint32:
		return binary.BigEndian.AppendUint32(appendControl(b, typeUint32, 4), v)
	case uint64:
		return binary.BigEndian.AppendUint64(appendControl(b, typeUint64, 8), v)
	case []any:
		b = appendControl(b, typeArray, len(v))
		for _, member := range v {
			b = appendValue(b, member)
		}
		return b
	case map[string]any:
		b = appendControl(b, typeMap, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = appendValue(appendValue(b, name), v[name])
		}
		return b
	}
	panic(fmt.Sprintf("mmdbtest: a record cannot hold a %T", value))
}

func appendControl(b []byte, kind, size int) []byte {
	if size > 28+256 {
		panic("mmdbtest: a text or map is too long")
	}
	short := min(size, 29)
	if kind < 8 {
		b = append(b, byte(kind<<5|short))
	} else {
		b = append(b, byte(short), byte(kind-7))
	}
	if short == 29 {
		b = append(b, byte(size-29))
	}
	return b
}
