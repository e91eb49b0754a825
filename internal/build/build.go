// Package build says which Footfall a program was built with.
//
// It reads what the Go tool wrote into the program, also where Footfall is a module
// that a shop's program uses.
package build

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

const module = "github.com/footfall-go/footfall"

// Info is what is known of a build; what is unknown is empty.
type Info struct {
	Version  string `json:"version"`          // of Footfall: a release, or (devel)
	Commit   string `json:"commit,omitempty"` // of Footfall's repository; unknown in a shop's program
	Dirty    bool   `json:"dirty"`            // the commit is not all: files were changed
	Date     string `json:"date,omitempty"`   // of the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Read returns what is known of the running program.
func Read() Info {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		b = &debug.BuildInfo{}
	}
	return of(b)
}

func of(b *debug.BuildInfo) Info {
	i := Info{Go: cmp.Or(b.GoVersion, runtime.Version()), Platform: runtime.GOOS + "/" + runtime.GOARCH, Version: "(devel)"}
	if b.Main.Path != module {
		for _, d := range b.Deps {
			if d.Path == module {
				i.Version = cmp.Or(d.Version, i.Version)
				if d.Replace != nil {
					i.Version = cmp.Or(d.Replace.Version, "(devel)")
				}
			}
		}
		return i
	}
	i.Version = cmp.Or(b.Main.Version, i.Version)
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Commit = s.Value
		case "vcs.modified":
			i.Dirty = s.Value == "true"
		case "vcs.time":
			i.Date = s.Value
		}
	}
	return i
}
