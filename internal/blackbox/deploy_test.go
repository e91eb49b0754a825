package blackbox

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The files in deploy name settings that exist, and nothing outside of this machine but
// short names of images.
func TestDeploy_FilesNameSettingsThatExist(t *testing.T) {
	t.Parallel()
	r := runWith(t, environment(t.TempDir()), "config", "--json")
	var settings []struct{ Name string }
	if err := json.Unmarshal([]byte(r.out), &settings); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"TMPDIR": true, "CGO_ENABLED": true} // the operating system's, the Go tool's
	for _, s := range settings {
		known[s.Name] = true
	}
	files, err := filepath.Glob("../../deploy/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is nothing in deploy: %v", err)
	}
	assigned := regexp.MustCompile(`(?m)(?:Environment=|LoadCredential=|ENV |-e |\s)([A-Z][A-Z_]+[A-Z])[=:]`)
	host := regexp.MustCompile(`(?m)^FROM \S*[./]\S*/`)
	found := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range assigned.FindAllStringSubmatch(string(b), -1) {
			if found++; !known[m[1]] {
				t.Errorf("%s sets %s, which is no setting of footfall", file, m[1])
			}
		}
		if m := host.FindString(string(b)); m != "" {
			t.Errorf("%s names a registry: %s", file, m)
		}
	}
	if found < 5 {
		t.Errorf("%d settings were found in %v: the test does not test", found, files)
	}
}

// systemd reads the unit file without a complaint. Where it is not installed, the unit is
// only looked at.
func TestDeploy_UnitIsValid(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../deploy/footfall.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := string(b)
	for _, line := range []string{"KillSignal=SIGTERM", "TimeoutStopSec=30s", "ExecStart=/usr/local/bin/footfall serve", "StateDirectoryMode=0700"} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit lacks the line %s", line)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed here: the unit was not verified")
		return
	}
	file := filepath.Join(t.TempDir(), "footfall.service")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(unit, "/usr/local/bin/footfall", binary)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
