package cookie

import (
	"strings"
	"testing"
)

// What a guesser tries first signs nothing, listed or not.
func TestCheckSecret_WhatCanBeGuessedSignsNothing(t *testing.T) {
	for _, s := range []string{strings.Repeat("keyboard cat", 4), strings.Repeat("0123456789abcdef", 2), strings.Repeat("abcdef", 10)} {
		if CheckSecret(s) == nil {
			t.Errorf("%q signs cookies: whoever guesses it is any customer", s)
		}
	}
	if err := CheckSecret("Zr6Qw2Yx8Tn4Vb1Kc5Mh7Lp9Jd3Gs0Fa"); err != nil {
		t.Errorf("a random secret is refused: %v", err)
	}
}
