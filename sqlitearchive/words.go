package sqlitearchive

import (
	"hash/maphash"
	"strings"
)

// Agents, pages and referrers repeat, so that the tables have those that do by number.
// Strangers send texts that do not repeat: a text gets a number only once four visitors
// have brought it, each another than the one before, while it was among those that were
// seen lately. Until then it is stored where it is used, so that a text that one browser
// alone brings is never in words, and that texts without end take no more room than
// without words.
//
// The words in use are in memory, of at most so many bytes. One that was not used for
// long is retired: no row gets its number again, and Purge deletes it when no session is
// left that was there before. If it comes back, it gets another number.
type words struct {
	recent, older map[string]int64 // numbers of the words in use
	size          int              // of recent
	next          int64            // number of the next word
	added         []word           // not stored yet
	retired       []int64          // not stored yet
	seen          []sight          // of texts without a number, by hash
	seed          maphash.Seed
}

type word struct {
	number int64
	text   string
}

type sight struct {
	text    uint64 // hash
	visitor uint64 // hash of the latest
	count   uint8
}

const (
	shortestWord  = 4 // a number takes about as much as a shorter text
	longestWord   = 512
	sightsForWord = 4
	sightsKept    = 1 << 14
	wordBytes     = 1 << 20 // of recent: the words in use have at most twice as many
	wordOverhead  = 64
)

func newWords() *words {
	return &words{recent: map[string]int64{}, older: map[string]int64{}, next: 1, seen: make([]sight, sightsKept), seed: maphash.MakeSeed()}
}

// of returns the number of a text that a visitor brings, or 0 if it has none.
func (w *words) of(text string, visitor key) int64 {
	if len(text) < shortestWord || len(text) > longestWord {
		return 0
	}
	if n, ok := w.recent[text]; ok {
		return n
	}
	if n, ok := w.older[text]; ok {
		delete(w.older, text)
		w.use(strings.Clone(text), n)
		return n
	}
	hash := maphash.String(w.seed, text)
	by := maphash.Bytes(w.seed, visitor.uuid[:]) ^ maphash.String(w.seed, visitor.text)
	s := &w.seen[hash%sightsKept]
	switch {
	case s.text != hash:
		*s = sight{hash, by, 1}
	case s.visitor != by:
		s.visitor = by
		s.count++
	}
	if s.count < sightsForWord {
		return 0
	}
	*s = sight{}
	n := w.next
	w.next++
	text = strings.Clone(text) // because it may be a part of a whole record
	w.added = append(w.added, word{n, text})
	w.use(text, n)
	return n
}

// use keeps a word among the recent ones, and retires those that were not used for long
// if there are too many.
func (w *words) use(text string, number int64) {
	w.recent[text] = number
	if w.size += len(text) + wordOverhead; w.size <= wordBytes {
		return
	}
	for _, n := range w.older {
		w.retired = append(w.retired, n)
	}
	w.recent, w.older, w.size = map[string]int64{}, w.recent, 0
}

const wordsInUse = `SELECT number, text FROM words WHERE retired IS NULL ORDER BY number`

// load reads the words in use.
func (w *words) load(c *conn) error {
	w.recent, w.older, w.size = map[string]int64{}, map[string]int64{}, 0
	w.added, w.retired = w.added[:0], w.retired[:0]
	if _, err := c.row(`SELECT coalesce(max(number), 0) + 1 FROM words`, func(s *stmt) { w.next = s.columnInt(0) }); err != nil {
		return err
	}
	return c.rows(wordsInUse, func(s *stmt) { w.use(s.columnText(1), s.columnInt(0)) })
}

// store writes what has changed since the words were loaded or stored. next is the
// number of the next session.
func (w *words) store(c *conn, next int64) error {
	for _, a := range w.added {
		if err := c.exec(`INSERT INTO words (number, text) VALUES (?, ?)`, a.number, a.text); err != nil {
			return err
		}
	}
	for _, n := range w.retired {
		if err := c.exec(`UPDATE words SET retired = ? WHERE number = ?`, next, n); err != nil {
			return err
		}
	}
	w.added, w.retired = w.added[:0], w.retired[:0]
	return nil
}

// deleteWords deletes retired words, at most limit: a word that was retired before every
// session that is there, whether folded, unknown or neither, is in none of their rows.
const deleteWords = `DELETE FROM words WHERE number IN (SELECT number FROM words WHERE retired IS NOT NULL AND retired <= coalesce((SELECT min(number) FROM (
	SELECT min(number) AS number FROM session_rows UNION ALL SELECT min(number) FROM folded_sessions UNION ALL SELECT min(number) FROM unknown_sessions)), 9223372036854775807)
	ORDER BY retired LIMIT ?)`

// word binds a text or its number.
func (s *stmt) word(w *words, text string, visitor key) {
	if n := w.of(text, visitor); n != 0 {
		s.int(n)
		return
	}
	s.textOrNull(text)
}

var wordsOfSession = []string{"user_agent", "country", "city", "device", "browser", "os", "landing_page", "referrer", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"}

// wordText is the SQL expression for the text that a word stands for.
func wordText(word string) string {
	return `CASE typeof(` + word + `) WHEN 'integer' THEN (SELECT w.text FROM words w WHERE w.number = ` + word + `) ELSE ` + word + ` END`
}

// wordTexts are the columns of a table with words.
func wordTexts(table string, columns []string) string {
	var list []string
	for _, c := range columns {
		list = append(list, wordText(table+"."+c)+" AS "+c)
	}
	return strings.Join(list, ", ")
}
