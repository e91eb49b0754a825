package secret

import (
	"math"
	"strings"
)

// What a secret has to be worth, in bits as [Bits] estimates them.
const (
	MinKeyBits   = 80 // of a key that signs, which can be guessed without asking us
	MinTokenBits = 32 // of a token that is asked for, and throttled
)

// common is what guessers try first: rows of keys, runs of letters and digits, and words
// that secrets are made of. It is in lower case.
const common = "abcdefghijklmnopqrstuvwxyz 01234567890 9876543210 qwertyuiop asdfghjkl zxcvbnm qwertzuiop azerty 1qaz2wsx3edc " +
	"password passphrase secret token keyboard cat cookie session signing production development staging testing default example " +
	"change replace insert please your super very long random string letmein welcome admin administrator customer footfall express shop store web site server private " +
	"this is the that not key with for and must should only here"

// minCopy is how long a piece is at least that counts as a copy. In random text pieces of
// four characters repeat now and then, which costs it some of the bits that it can spare.
const minCopy = 4

// Bits estimates what guessing a secret costs: each character that could not be foreseen
// is worth as many bits as tell its distinct characters apart. A piece of four characters
// or more that the secret contained before, or that is in a list of what guessers try
// first, in any case, is worth one character, however long.
//
// 32 random characters are worth 100 bits and more, be they hexadecimal or base64; a
// word, a sentence or a key that is repeated, little more than once.
func Bits(secret string) float64 {
	text := strings.ToLower(secret)
	distinct := map[byte]bool{}
	for i := range len(text) {
		distinct[text[i]] = true
	}
	unforeseen := 0
	for at := 0; at < len(text); unforeseen++ {
		at += max(1, copied(text, at))
	}
	return float64(unforeseen) * math.Log2(float64(max(1, len(distinct))))
}

// copied is how many characters at a place are a copy; 0 if fewer than minCopy.
func copied(text string, at int) int {
	n := minCopy
	for ; at+n <= len(text); n++ {
		piece := text[at : at+n]
		if !strings.Contains(common, piece) && strings.Index(text, piece) >= at {
			break
		}
	}
	if n == minCopy {
		return 0
	}
	return n - 1
}
