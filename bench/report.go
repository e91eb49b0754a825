package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A report holds the results of a run: tables of rounds, whose ratios are
// recorded, and other texts.
type report struct {
	tables []*table
	texts  []text
}

// A text is Markdown, with the name of its place in the document.
type text struct{ name, markdown string }

func (r *report) add(t *table) {
	r.tables = append(r.tables, t)
	r.say(t.scenario, t.markdown()+"\n"+t.how()+"\n")
}

// say adds a text, with a last line about how it was measured.
func (r *report) say(name, markdown string) {
	fmt.Printf("\n%s\n", markdown)
	r.texts = append(r.texts, text{name, markdown})
}

// write writes the texts between their marks in the document, and the ratios to
// the record.
func (r *report) write(ctx context.Context) error {
	path := filepath.Join(*flagRoot, "docs", "performance.md")
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	document := string(old)
	for _, t := range r.texts {
		if document, err = place(document, t); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil { // the file exists, so its mode does not change
		return err
	}
	if len(r.tables) == 0 {
		return nil
	}
	rec, err := readRecord(recordPath())
	if err != nil {
		return err
	}
	rec.take(r.tables, machine(ctx), time.Now())
	return rec.write(recordPath())
}

// place replaces the text between two marks.
func place(document string, t text) (string, error) {
	first, last := "<!-- bench:"+t.name+" -->\n", "<!-- /bench:"+t.name+" -->"
	before, rest, ok := strings.Cut(document, first)
	_, after, ends := strings.Cut(rest, last)
	if !ok || !ends {
		return "", fmt.Errorf("the marks %s … %s are missing", strings.TrimSpace(first), last)
	}
	return before + first + t.markdown + last + after, nil
}
