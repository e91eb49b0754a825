//go:build accuracy

package enrich

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sort"
	"testing"
)

// TestAccuracy measures the accuracy on the profiles of the npm package
// user-agents, which are those of real browsers, with labels. It is not part of
// the suite, because the data is not ours:
//
//	npm install --prefix /tmp/ua user-agents
//	FOOTFALL_PROFILES=/tmp/ua/node_modules/user-agents/dist/user-agents.json go test -tags accuracy -run Accuracy -v ./enrich
func TestAccuracy(t *testing.T) {
	data, err := os.ReadFile(os.Getenv("FOOTFALL_PROFILES"))
	if err != nil {
		t.Fatal(err)
	}
	var profiles []struct {
		UserAgent, Platform, Vendor, DeviceCategory string
		Weight                                      float64
	}
	if err := json.Unmarshal(data, &profiles); err != nil {
		t.Fatal(err)
	}
	agents := NewAgents(1 << 16)
	agents.Warm()
	count := map[string]int{}
	examples := map[string]map[string]int{}
	note := func(kind, ua string) {
		count[kind]++
		if examples[kind] == nil {
			examples[kind] = map[string]int{}
		}
		examples[kind][ua]++
	}
	for _, p := range profiles {
		a := agents.Lookup(http.Header{"User-Agent": {p.UserAgent}})
		count["all"]++
		count["browser "+a.Browser]++
		count["os "+a.OS]++
		if a.Bot != "" {
			note("bot "+a.Bot, p.UserAgent)
			continue
		}
		if a.Device != p.DeviceCategory {
			note("device "+p.DeviceCategory+" called "+a.Device, p.UserAgent)
		}
		if a.Browser == Other {
			note("browser unknown", p.UserAgent)
		}
		if a.OS == Other {
			note("os unknown", p.UserAgent)
		}
		want := map[string]string{"Win32": "Windows", "MacIntel": "macOS", "iPhone": "iOS", "iPad": "iOS"}[p.Platform]
		if want != "" && want != a.OS {
			note("platform "+p.Platform+" called "+a.OS, p.UserAgent)
		}
	}
	for _, k := range sorted(count) {
		t.Logf("%6d %5.2f %% %s", count[k], 100*float64(count[k])/float64(len(profiles)), k)
		for i, ua := range sorted(examples[k]) {
			if i == 6 {
				break
			}
			t.Logf("        %s", ua)
		}
	}
	t.Logf("over budget: %d", agents.OverBudget())
}

func percent(n, all int) string {
	return fmt.Sprintf("%5.2f %% of %d", 100*float64(n)/float64(max(all, 1)), all)
}

func sorted(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
