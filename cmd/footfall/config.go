package main

import (
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
)

type configCmd struct {
	reader
}

func (cmd *configCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	defer func() { printWarnings(t.err, c.warnings(os.Environ())) }()
	if cmd.JSON {
		return t.printJSON(c.effective)
	}
	var rows []table.Row
	for _, s := range c.effective {
		source := "default"
		if s.Set {
			source = "set"
		}
		rows = append(rows, table.Row{s.Name, dash(s.Value), source})
	}
	t.printTable(table.Row{"setting", "value", ""}, rows)
	return nil
}
