package engine

import "strings"

// A numbering gives numbers to texts, the same on every day: 0 to the empty one, unknown.
type numbering struct {
	numbers map[string]uint32
	texts   []string
	bytes   int
	each    int // what a number takes beside its text
}

// What a number takes in memory. One of a dimension also takes some while a question is
// answered, because it may have a row.
const (
	eachVisitor = 64
	eachText    = 160
)

func newNumbering(each int) *numbering {
	return &numbering{each: each, numbers: map[string]uint32{"": 0}, texts: []string{""}}
}

func (n *numbering) of(text string) uint32 {
	if number, ok := n.numbers[text]; ok {
		return number
	}
	number := uint32(len(n.texts)) //nolint:gosec // bounded by texts.most
	text = strings.Clone(text)
	n.numbers[text] = number
	n.texts = append(n.texts, text)
	n.bytes += len(text) + n.each
	return number
}

// Texts are what is numbered alike on all days that are in memory.
type texts struct {
	visitors *numbering
	single   [len(singles)]*numbering
	pages    *numbering
	products *numbering
	kinds    *numbering
	most     int // bytes that they may take
}

func newTexts(most int) *texts {
	m := &texts{most: most, visitors: newNumbering(eachVisitor), pages: newNumbering(eachText), products: newNumbering(eachText), kinds: newNumbering(eachText)}
	for i := range m.single {
		m.single[i] = newNumbering(eachText)
	}
	return m
}

func (m *texts) full() bool { return m.bytes() > m.most }

// bytes is how much the numberings take, about.
func (m *texts) bytes() int {
	n := m.visitors.bytes + m.pages.bytes + m.products.bytes + m.kinds.bytes
	for _, s := range m.single {
		n += s.bytes
	}
	return n
}
