package bearer

import (
	"net/http"
	"testing"
)

func TestAdmit_OnlyAWholeTokenAfterBearer(t *testing.T) {
	tokens := New("first-token-0123456789", "", "second-token-0123456789")
	for header, want := range map[string]bool{
		"Bearer first-token-0123456789":   true,
		"Bearer second-token-0123456789 ": true,
		"Bearer first-token-012345678":    false,
		"Bearer first-token-01234567890":  false,
		"Basic first-token-0123456789":    false,
		"first-token-0123456789":          false,
		"Bearer ":                         false, // the empty token was never one
		"":                                false,
	} {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if got := tokens.Admit(r); got != want {
			t.Errorf("%q is admitted: %v, want %v", header, got, want)
		}
		if New("").Admit(r) {
			t.Errorf("%q is admitted where there is no token: nobody may be", header)
		}
	}
}
