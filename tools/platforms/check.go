package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
)

// check returns what a compiler for this architecture would refuse in packages of the
// module.
func check(packages []*listed, goarch string) (mistakes []error) {
	files, done := token.NewFileSet(), map[string]*types.Package{"unsafe": types.Unsafe}
	told := map[string]bool{}
	mistake := func(err error) {
		if !told[err.Error()] { // a package with tests is checked without them too
			told[err.Error()] = true
			mistakes = append(mistakes, err)
		}
	}
	for _, p := range packages {
		if p.Error != nil {
			mistake(errors.New(p.Error.Err))
			continue
		}
		if p.ImportPath == "unsafe" || strings.HasSuffix(p.ImportPath, ".test") { // the main package of a test, which go test writes
			continue
		}
		var sources []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				mistake(err)
			}
			if f == nil {
				continue // the file cannot be read
			}
			sources = append(sources, f)
		}
		config := types.Config{
			Importer:         importer{p.ImportMap, done},
			Sizes:            types.SizesFor("gc", goarch),
			IgnoreFuncBodies: p.DepOnly, // what others have compiled needs only its declarations
			Error:            mistake,
		}
		path, _, _ := strings.Cut(p.ImportPath, " ") // "path [of the test]"
		done[p.ImportPath], _ = config.Check(path, files, sources, nil)
	}
	return mistakes
}

// An importer finds packages that were checked before.
type importer struct {
	names map[string]string
	done  map[string]*types.Package
}

func (i importer) Import(path string) (*types.Package, error) {
	if name, ok := i.names[path]; ok {
		path = name
	}
	if p := i.done[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s was not checked", path)
}
