package jsontext

import (
	"strings"
	"testing"
)

func TestWithin(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":[{"b":1}]}`:                 true,
		`{"a":[{"b":[]}]}`:                false,
		`{"a":"[[[[{{{{,,,,,,\"[[[[,,,"}`: true,
		`{"a\"[[[[":1,"b":"\\","c":[[]]}`: true,
		`[1,2,3,4,5]`:                     true,
		`[1,2,3,4,5,6]`:                   false,
		`[[],[],[]]`:                      false,
		`"[[[[[`:                          true,
		`"\`:                              true,
		``:                                true,
		strings.Repeat("[", 4):            false,
		strings.Repeat("[],", 100):        false,
	} {
		if got := Within([]byte(text), 3, 5); got != want {
			t.Errorf("%s is within 3 levels and 5 marks: %v, want %v", text, got, want)
		}
	}
}
