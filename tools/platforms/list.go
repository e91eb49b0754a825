package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// A listed package is one that go list knows. Packages stand after those that they
// import.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	DepOnly    bool // it is not one of the module's
	GoFiles    []string
	ImportMap  map[string]string // from what the source says to an ImportPath
	ForTest    string
	Error      *struct{ Err string }
}

// list lists the packages of the module in the working directory, their tests, and
// what they import, as they are on a platform.
func list(ctx context.Context, goos, goarch string) ([]*listed, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-e", "-deps", "-test", "-json=ImportPath,Dir,Standard,DepOnly,GoFiles,ImportMap,ForTest,Error", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s/%s: %w", goos, goarch, err)
	}
	var packages []*listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(listed)
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}
