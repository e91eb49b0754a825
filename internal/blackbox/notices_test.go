package blackbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// notices are the names that doctor and the metrics give to what a running shop's
// requests show.
func (s *shop) notices() (doctor, metrics []string) {
	var found struct {
		OK       bool
		Findings []struct {
			Part, Says, Remedy string
			OK, Warning        bool
		}
	}
	r := s.run("doctor", "--json") // its exit code is 1 if something is wrong beside, such as a forgotten proxy
	if err := json.Unmarshal([]byte(r.out), &found); err != nil {
		s.t.Fatal(err, r.out, r.errors)
	}
	for _, f := range found.Findings {
		if name, ok := strings.CutPrefix(f.Part, "server: "); ok && f.Warning {
			doctor = append(doctor, name)
			if f.Says == "" || f.Remedy == "" {
				s.t.Errorf("doctor names %s without saying what was seen and what to do", name)
			}
		}
	}
	for line := range strings.Lines(string(s.stranger().get("/metrics").body)) {
		if name, ok := strings.CutPrefix(line, `footfall_notice{name="`); ok && strings.HasSuffix(strings.TrimSpace(line), " 1") {
			name, _, _ := strings.Cut(name, `"`)
			metrics = append(metrics, name)
		}
	}
	return doctor, metrics
}

// What is probably wrong with how a shop is set up shows in its requests: doctor and
// the metrics name it.
func TestNotices_OfARunningShop(t *testing.T) {
	t.Parallel()
	agent := func(i int) string {
		return fmt.Sprintf("User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", 120+i%10, 120+i%10)
	}
	for _, c := range []struct {
		name, situation string
		requests        int
		headers         func(i int) []string
	}{
		{"one_address", "all visitors have one address", 60, func(i int) []string { return []string{agent(i)} }},
		{"untrusted_proxy", "a proxy is in front that nobody listed", 60, func(i int) []string {
			return []string{agent(i), fmt.Sprintf("X-Forwarded-For: 198.51.100.%d", i)}
		}},
		{"own_referrer", "the proxy writes another host", 5, func(i int) []string {
			return []string{agent(i), "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Referer: https://www.shop.example/"}
		}},
		{"mostly_bots", "a CDN sends its own user agent", 120, func(int) []string { return []string{"User-Agent: Amazon CloudFront"} }},
		{"cookies_lost", "cookies never come back", 60, func(i int) []string { return []string{agent(0)} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t)
			if doctor, metrics := s.notices(); len(doctor)+len(metrics) > 0 {
				t.Fatalf("before anything has happened %q and %q are noticed", doctor, metrics)
			}
			for i := range c.requests {
				s.stranger(c.headers(i)...).get(productsPath)
			}
			doctor, metrics := s.notices()
			if !strings.Contains(strings.Join(doctor, " "), c.name) || !strings.Contains(strings.Join(metrics, " "), c.name) {
				t.Errorf("%s: doctor notices %q and the metrics %q, want %s among both", c.situation, doctor, metrics, c.name)
			}
		})
	}
}
