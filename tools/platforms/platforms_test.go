package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExamine_FindsWhatAPlatformLacks(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":  "module example.com/shop\n\ngo 1.26.0\n",
		"shop.go": "package shop\n\nimport \"syscall\"\n\nconst Stop = syscall.SIGSTOP\n",
		"big_test.go": `package shop_test

import (
	"testing"

	"example.com/shop"
)

func TestBig(t *testing.T) {
	n := 1 << 40
	t.Log(n, shop.Stop)
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for platform, want := range map[string][]string{
		"linux/amd64":   nil,
		"linux/arm":     {"overflows"},
		"windows/amd64": {"undefined: syscall.SIGSTOP"},
		"windows":       {"it is not a platform"},
		"linux/abacus":  {"it is not a platform"},
	} {
		mistakes := examine(platform)
		for i, w := range want {
			if len(mistakes) != len(want) || !strings.Contains(mistakes[i].Error(), w) {
				t.Errorf("%s: found %v, want %q once", platform, mistakes, w)
			}
		}
		if len(want) == 0 && len(mistakes) > 0 {
			t.Errorf("%s: found %s in a module that compiles there", platform, fmt.Sprint(mistakes))
		}
	}
}
