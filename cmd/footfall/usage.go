package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/footfall-go/footfall/internal/secret"
)

// The parser's messages that an operator need not understand.
var (
	missingArgument = regexp.MustCompile(`^expected "<(.+)>"$`)
	missingValue    = regexp.MustCompile(`^(--[a-z-]+): expected \S+ value but got "EOL"`)
	otherFlag       = regexp.MustCompile(`^(--[a-z-]+): expected \S+ value but got "(.+)" \((?:long|short) flag.*\)`)
	noNumber        = regexp.MustCompile(`^(--[a-z-]+): expected a valid \d+ bit int but got "(.*)"$`)
)

// misused says what is wrong with a call, and how to call.
func misused(err error, args []string) error {
	command := "footfall"
	var at *kong.ParseError
	if errors.As(err, &at) && at.Context.Selected() != nil {
		command += " " + at.Context.Selected().Name
	}
	text := secret.Text(err.Error())
	switch {
	case len(args) == 1 && args[0] == "--version":
		return errors.New("--version is unknown: use footfall version")
	case missingArgument.MatchString(text):
		name := strings.ToUpper(strings.ReplaceAll(missingArgument.FindStringSubmatch(text)[1], "-", "_"))
		return fmt.Errorf("%s is missing: call %s %s", name, command, name)
	case missingValue.MatchString(text):
		return fmt.Errorf("%s has no value: add one (%s --help)", missingValue.FindStringSubmatch(text)[1], command)
	case noNumber.MatchString(text):
		found := noNumber.FindStringSubmatch(text)
		return fmt.Errorf("%s: %q is not a number: use a whole number, 1 or more", found[1], found[2])
	case otherFlag.MatchString(text):
		found := otherFlag.FindStringSubmatch(text)
		return fmt.Errorf("%[1]s: %[2]s follows it and looks like a flag: if it is the value, write %[1]s=%[2]s", found[1], found[2])
	}
	return fmt.Errorf("%s (%s --help shows what there is)", text, command)
}
