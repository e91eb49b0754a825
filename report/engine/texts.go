package engine

import "strings"

// A numbering gives numbers to texts, the same on every day: 0 to the empty one, unknown.
type numbering struct {
	numbers map[string]uint32
	texts   []string
	bytes   int
}

func newNumbering() *numbering {
	return &numbering{numbers: map[string]uint32{"": 0}, texts: []string{""}}
}

func (n *numbering) of(text string) uint32 {
	if number, ok := n.numbers[text]; ok {
		return number
	}
	number := uint32(len(n.texts)) //nolint:gosec // bounded by maxTexts
	text = strings.Clone(text)
	n.numbers[text] = number
	n.texts = append(n.texts, text)
	n.bytes += len(text) + 64
	return number
}

// Texts are what is numbered alike on all days that are in memory.
type texts struct {
	visitors *numbering
	single   [len(singles)]*numbering
	pages    *numbering
	products *numbering
	kinds    *numbering
}

func newTexts() *texts {
	m := &texts{visitors: newNumbering(), pages: newNumbering(), products: newNumbering(), kinds: newNumbering()}
	for i := range m.single {
		m.single[i] = newNumbering()
	}
	return m
}

// bytes is how much the numberings take, about.
func (m *texts) bytes() int {
	n := m.visitors.bytes + m.pages.bytes + m.products.bytes + m.kinds.bytes
	for _, s := range m.single {
		n += s.bytes
	}
	return n
}
