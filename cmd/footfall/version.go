package main

import (
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/footfall-go/footfall/internal/build"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (cmd *versionCmd) Run(t terminal) error {
	b := build.Read()
	if cmd.JSON {
		return t.printJSON(b)
	}
	commit := dash(b.Commit)
	if b.Dirty {
		commit += ", with changes"
	}
	t.printTable(nil, []table.Row{
		{"version", b.Version}, {"commit", commit}, {"date", dash(b.Date)}, {"go", b.Go}, {"platform", b.Platform},
	})
	return nil
}
