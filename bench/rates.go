package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fractions are parts of bare's peak rate, ascending: a server that does not keep
// up with one rate has answered all requests of the lower ones by then.
type fractions []float64

var flagRate fractions

// String implements flag.Value.
func (f *fractions) String() string {
	texts := make([]string, len(*f))
	for i, part := range *f {
		texts[i] = fmt.Sprint(part)
	}
	return strings.Join(texts, ",")
}

// Set implements flag.Value.
func (f *fractions) Set(list string) error {
	*f = nil
	for text := range strings.SplitSeq(list, ",") {
		part, err := strconv.ParseFloat(text, 64)
		if err != nil || !(part > 0 && part < 10) {
			return fmt.Errorf("%q is no part of a rate, as 0.5 is", text)
		}
		*f = append(*f, part)
	}
	slices.Sort(*f)
	return nil
}

// ratesOf returns the parts asked for, or else the given ones.
func ratesOf(otherwise ...float64) fractions {
	if len(flagRate) > 0 {
		return flagRate
	}
	return otherwise
}
