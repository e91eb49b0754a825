package build

import (
	"runtime/debug"
	"testing"
)

func TestRead_TheCommandHasACommitAndAShopsProgramAVersionOfFootfall(t *testing.T) {
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-29T21:24:12Z"}, {Key: "vcs.modified", Value: "true"}}
	for name, c := range map[string]struct {
		built debug.BuildInfo
		want  Info
	}{
		"the command, from a changed clone": {
			debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: module}, Settings: vcs},
			Info{Version: "(devel)", Commit: "abc", Dirty: true, Date: "2026-11-29T21:24:12Z"},
		},
		"the command, installed as a release": {
			debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: module, Version: "v1.2.3"}},
			Info{Version: "v1.2.3"},
		},
		"a shop's program, whose commit is not Footfall's": {
			debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: "example.com/shop", Version: "v9.9.9"}, Deps: []*debug.Module{{Path: module, Version: "v1.2.3"}}, Settings: vcs},
			Info{Version: "v1.2.3"},
		},
		"a shop's program with a replaced Footfall": {
			debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: "example.com/shop"}, Deps: []*debug.Module{{Path: module, Version: "v1.2.3", Replace: &debug.Module{Path: "../footfall"}}}},
			Info{Version: "(devel)"},
		},
	} {
		got := of(&c.built)
		if got.Go != "go1.26.8" || got.Platform == "" {
			t.Errorf("%s: Go version %q, platform %q: both are always known", name, got.Go, got.Platform)
		}
		got.Go, got.Platform = "", ""
		if got != c.want {
			t.Errorf("%s is shown as %+v, want %+v", name, got, c.want)
		}
	}
}
