package main

import (
	"os"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/oserror"
)

// rulesFile reads the operator's rules.
func (c *compiler) rulesFile(name string) {
	c.Rules = enrich.DefaultRules()
	if name = c.value("RULES_FILE", name, ""); name == "" {
		return
	}
	file, err := os.Open(name)
	if err != nil {
		c.wrong("RULES_FILE", "%v", oserror.File(name, err))
		return
	}
	defer file.Close()
	rules, err := enrich.ReadRules(file)
	if err != nil {
		c.wrong("RULES_FILE", "%s: %v", name, err)
		return
	}
	c.Rules = rules
}
