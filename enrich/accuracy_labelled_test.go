//go:build accuracy

package enrich

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestAccuracyLabelled measures the accuracy on the labelled agents of Matomo's
// device-detector, which are not part of this project (LGPL 3.0):
//
//	git clone --depth 1 https://github.com/matomo-org/device-detector /tmp/dd
//	FOOTFALL_LABELLED=/tmp/dd/Tests/fixtures go test -tags accuracy -run AccuracyLabelled -v ./enrich
//
// The list has each make of telephone once: a name's share in it says nothing of how
// often visitors have it. With FOOTFALL_WRONG=200 it prints as many agents of each
// kind of mistake.
func TestAccuracyLabelled(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(os.Getenv("FOOTFALL_LABELLED"), "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatal("set FOOTFALL_LABELLED to the directory of the fixtures:", err)
	}
	var core, names, systems, devices, people, bots score
	wrong := map[string][]string{}
	for _, file := range files {
		for _, l := range readLabelled(t, file) {
			agents := NewAgents(0)
			a := agents.Lookup(l.header())
			if l.Bot != nil {
				bots.add(a.Bot != "")
				if a.Bot == "" {
					wrong["bot taken for a person"] = append(wrong["bot taken for a person"], l.UserAgent)
				}
				continue
			}
			ua := strings.TrimSuffix(filepath.Base(file), ".yml") + "\t" + l.UserAgent
			note := func(s *score, kind, want, got string) {
				if s.add(want == got); want != got {
					k := kind + " " + want + " called " + got
					wrong[k] = append(wrong[k], ua)
				}
			}
			if l.isBrowser() { // an application's own HTTP client is software, and a person uses it
				people.add(a.Bot == "")
				if a.Bot != "" {
					wrong["person taken for a "+a.Bot] = append(wrong["person taken for a "+a.Bot], ua)
				}
			}
			if want := l.browser(); want != "" {
				note(&names, "browser", want, a.Browser)
				if coreBrowsers[want] {
					core.add(want == a.Browser)
				}
			}
			if want := l.os(); want != "" {
				note(&systems, "os", want, a.OS)
			}
			if want := l.device(); want != "" && a.Bot == "" {
				note(&devices, "device", want, a.Device)
			}
		}
	}
	t.Logf("core browsers %v, names %v, systems %v, devices %v, bots found %v, people let in %v", core, names, systems, devices, bots, people)
	most := 0
	for _, c := range os.Getenv("FOOTFALL_WRONG") {
		most = most*10 + int(c-'0')
	}
	count := map[string]int{}
	for k, list := range wrong {
		count[k] = len(list)
	}
	for _, k := range sorted(count) {
		t.Logf("%6d %s", count[k], k)
		for _, ua := range wrong[k][:min(most, len(wrong[k]))] {
			t.Logf("        %s", ua)
		}
	}
}

type score struct{ right, all int }

func (s *score) add(right bool) {
	s.all++
	if right {
		s.right++
	}
}

func (s score) String() string {
	return strings.TrimSpace(percent(s.right, s.all))
}

var coreBrowsers = map[string]bool{"Chrome": true, "Safari": true, "Firefox": true, "Edge": true, "Opera": true, "Samsung Internet": true}

// A labelled is one agent of the list.
type labelled struct {
	UserAgent string         `yaml:"user_agent"`
	Headers   map[string]any `yaml:"headers"`
	Bot       any            `yaml:"bot"`
	OS        yaml.Node      `yaml:"os"`
	Family    string         `yaml:"os_family"`
	Client    yaml.Node      `yaml:"client"`
	Device    struct {
		Type string `yaml:"type"`
	} `yaml:"device"`
}

func readLabelled(t *testing.T, file string) (list []labelled) {
	data, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(data, &list)
	}
	if err != nil {
		t.Fatal(file, err)
	}
	return list
}

func (l labelled) header() http.Header {
	h := http.Header{"User-Agent": {l.UserAgent}}
	for name, value := range l.Headers {
		if text, ok := value.(string); ok {
			h.Set(name, text)
		}
	}
	return h
}

func (l labelled) client() (name, kind string) {
	var c struct{ Name, Type string }
	_ = l.Client.Decode(&c) // an agent without a client has a list here
	return c.Name, c.Type
}

func (l labelled) isBrowser() bool {
	name, kind := l.client()
	return kind == "browser" && !strings.Contains(name, "Headless")
}

// browser is the label in this package's names; "" leaves it out.
func (l labelled) browser() string {
	name, kind := l.client()
	if kind != "browser" && labelledNames[name] == "" || strings.Contains(name, "Headless") {
		return ""
	}
	return labelledNames[name]
}

var labelledNames = map[string]string{
	"Chrome": "Chrome", "Chrome Mobile": "Chrome", "Chrome Webview": "Chrome", "Chrome Mobile iOS": "Chrome", "Chrome Frame": "Chrome",
	"Safari": "Safari", "Mobile Safari": "Safari", "SafariViewController": "Safari",
	"Firefox": "Firefox", "Firefox Mobile": "Firefox", "Firefox Mobile iOS": "Firefox", "Firefox Focus": "Firefox", "Firefox Klar": "Firefox", "Firefox Rocket": "Firefox", "Firefox Reality": "Firefox",
	"Microsoft Edge": "Edge", "Opera": "Opera", "Opera Mobile": "Opera", "Opera Mini": "Opera", "Opera Mini iOS": "Opera", "Opera GX": "Opera", "Opera Touch": "Opera",
	"Opera Next": "Opera", "Opera Devices": "Opera", "Opera Neon": "Opera", "Opera Crypto": "Opera", "Opera Air": "Opera",
	"Samsung Browser": "Samsung Internet", "Internet Explorer": "Internet Explorer", "IE Mobile": "Internet Explorer",
	"UC Browser": "UC Browser", "UC Browser Turbo": "UC Browser", "UC Browser Mini": "UC Browser", "UC Browser HD": "UC Browser",
	"Yandex Browser": "Yandex Browser", "Yandex Browser Lite": "Yandex Browser", "Yandex Browser Corp": "Yandex Browser",
	"Android Browser": "Android Browser", "Mobile Silk": "Amazon Silk", "Mi Browser": "MIUI Browser",
	"Huawei Browser Mobile": "Huawei Browser", "Huawei Browser": "Huawei Browser", "QQ Browser": "QQ Browser", "QQ Browser Lite": "QQ Browser", "QQ Browser Mini": "QQ Browser",
	"Vivaldi": "Vivaldi", "Brave": "Brave", "Chromium": "Chromium", "Whale Browser": "Whale", "Maxthon": "Maxthon", "CocCoc": "Coc coc", "Coc Coc": "Coc coc",
	"DuckDuckGo Privacy Browser": "DuckDuckGo", "Facebook": "Facebook", "Facebook Lite": "Facebook", "Facebook Messenger": "Facebook",
	"Instagram": "Instagram", "TikTok": "TikTok", "Google Search App": "Google app", "Google Go": "Google app",
}

// os is the label in this package's names; "" leaves it out.
func (l labelled) os() string {
	var o struct{ Name string }
	_ = l.OS.Decode(&o) // an agent without a system has a list here
	switch {
	case o.Name == "":
		return ""
	case l.Family == "Mac":
		return "macOS"
	case l.Family == "iOS", l.Family == "Android", l.Family == "Windows":
		return l.Family
	case l.Family == "Chrome OS":
		return "ChromeOS"
	case o.Name == "Windows Phone", o.Name == "Windows Mobile":
		return "Windows Phone"
	case o.Name == "Windows RT", o.Name == "Windows CE", o.Name == "Windows IoT":
		return "Windows"
	case l.Family == "GNU/Linux":
		return "Linux"
	}
	return Other
}

// device is the label in this package's names; "" leaves it out.
func (l labelled) device() string {
	switch l.Device.Type {
	case "smartphone", "phablet", "feature phone":
		return "mobile"
	case "desktop", "tablet", "tv":
		return l.Device.Type
	case "":
		return ""
	}
	return "other"
}
