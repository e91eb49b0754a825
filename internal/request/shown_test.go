package request

import (
	"strings"
	"testing"
)

func TestPageAsSent_LeavesOutWhatNextJSAdds(t *testing.T) {
	for uri, want := range map[string]string{
		"/p": "/p", "/p?a=1": "/p?a=1", "/p?_rsc=x": "/p", "/p?a=1&_rsc=x&b=2": "/p?a=1&b=2", "/p?_rsc=x&b=2": "/p?b=2", "/p?a_rsc=1": "/p?a_rsc=1",
	} {
		if got := pageAsSent(uri); got != want {
			t.Errorf("%s is the page %s, want %s", uri, got, want)
		}
	}
}

// A stranger chooses how many parameters a Referer has: the work for each must not grow
// with those before it.
func TestPageAsSent_CopiesAQueryOnce(t *testing.T) {
	uri := "/p?_rsc=x" + strings.Repeat("&a", 10_000)
	if n := testing.AllocsPerRun(5, func() { pageAsSent(uri) }); n > 2 {
		t.Errorf("a query of 10,000 parameters is copied %v times, want once", n)
	}
}
