package main

import (
	"strings"
	"testing"

	"github.com/footfall-go/footfall"
)

func TestDoctor_SaysHowFarAServerIsWithReadingWhoWasRevoked(t *testing.T) {
	for known, want := range map[bool]int{true: 0, false: 1} {
		n := 0
		for _, f := range serverFindings(footfall.Status{CustomersKnown: known, ChangesRead: 120_000, ChangesLeft: 80_000}) {
			if f.Part == "server: customers" {
				n++
				if f.OK || !strings.Contains(f.Says, "read 120000 of 200000 changes") || f.Remedy == "" {
					t.Errorf("doctor says %+v: customers get 503, and it has to say until when", f)
				}
			}
		}
		if n != want {
			t.Errorf("a server knows customers: %v, and doctor has %d findings about it, want %d", known, n, want)
		}
	}
}
