package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
)

// Some measurements need a process that does nothing else and has no network.
// Such a process runs one of these and prints its result.
var flagInside = flag.String("inside", "", "internal: run that measurement and print its result")

var insides = map[string]func(context.Context) (any, error){
	"drain": drainInside,
	"live":  liveInside,
}

func runInside(ctx context.Context, name string) error {
	run, ok := insides[name]
	if !ok {
		return fmt.Errorf("-inside: there is no %q", name)
	}
	result, err := run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// inside runs a measurement in a separate process.
func inside(ctx context.Context, into any, name string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"-inside", name, "-dir", *flagDir}, args...)...)
	cmd.Stderr = os.Stderr // it reports its progress there
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return err
	}
	return json.Unmarshal(out.Bytes(), into)
}

// full returns n, or a tenth of it without -full.
func full(n int) int {
	if *flagFull {
		return n
	}
	return n / 10
}
