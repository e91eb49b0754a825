// Command platforms says whether a module compiles on other platforms, without
// compiling it:
//
//	platforms windows/amd64 linux/arm …
//
// It reads the packages of the module in the working directory, with their tests, and
// everything that they import, and checks the types as the compiler would for each
// platform, without cgo. It finds what a platform lacks, and constants that do not fit
// into an int of 32 bits. It takes seconds, while go vet compiles all dependencies for
// each platform, which takes minutes unless they are in the build cache.
package main

import (
	"context"
	"errors"
	"fmt"
	"go/types"
	"os"
	"strings"
	"sync"
)

func main() {
	mistakes := make([][]error, len(os.Args)-1)
	two := make(chan bool, 2) // at a time: each takes some hundred megabytes
	var running sync.WaitGroup
	for i, name := range os.Args[1:] {
		running.Go(func() {
			two <- true
			mistakes[i] = examine(name)
			<-two
		})
	}
	running.Wait()
	status := 0
	for i, name := range os.Args[1:] {
		for _, m := range mistakes[i] {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, m)
			status = 1
		}
	}
	os.Exit(status)
}

// examine returns what a compiler for this platform would refuse.
func examine(name string) []error {
	goos, goarch, ok := strings.Cut(name, "/")
	if !ok || types.SizesFor("gc", goarch) == nil {
		return []error{errors.New("it is not a platform: write it like windows/amd64")}
	}
	packages, err := list(context.Background(), goos, goarch)
	if err != nil {
		return []error{err}
	}
	return check(packages, goarch)
}
