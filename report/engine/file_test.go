package engine_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/ledger"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/report/engine"
)

// Files are a cache: whatever happens to them, reports say the same.
func TestFiles_WhateverHappensToThemReportsSayTheSame(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	l := ledger.Generate(6, 400, from, 60)
	a := openSQLite(t, l)
	dir := filepath.Join(t.TempDir(), "reports")
	p := url.Values{"from": {"2026-03-01"}, "to": {"2026-05-30"}, "limit": {"10000"}, "filter": {"page:not:/p/1"}}
	now := from.AddDate(0, 0, 90)
	say := func(source report.Source) string {
		t.Helper()
		var all []string
		e := engine.New(source, engine.Options{Dir: dir})
		for _, name := range report.Names() {
			_, answer := ask(t, e, name, "Europe/Berlin", now, p)
			all = append(all, ledger.Text(&answer.Total))
			for i := range answer.Rows {
				all = append(all, answer.Rows[i].Key+" "+ledger.Text(&answer.Rows[i]))
			}
		}
		return strings.Join(all, "\n")
	}
	want := say(a)
	files, err := filepath.Glob(filepath.Join(dir, "*.day"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v: a day that is over is kept", len(files), err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v, %v: visitors' ids are their owner's alone", f, info.Mode(), err)
		}
	}
	read := func(what string, least, most int) {
		t.Helper()
		source := &counting{Source: a}
		if got := say(source); got != want {
			t.Errorf("%s: reports say something else", what)
		}
		if source.days < least || source.days > most {
			t.Errorf("%s: %d days are read of the archive, want %d to %d", what, source.days, least, most)
		}
	}
	read("nothing happened", 0, 0)
	damage := func(i int, do func(b []byte) []byte) {
		t.Helper()
		b, err := os.ReadFile(files[i])
		if err == nil {
			err = os.WriteFile(files[i], do(b), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	damage(0, func(b []byte) []byte { return b[:len(b)/2] })
	damage(1, func([]byte) []byte { return nil })
	damage(2, func(b []byte) []byte { b[len(b)/3] ^= 4; return b })
	damage(3, func(b []byte) []byte { b[13]++; return b }) // another version
	if err := os.Rename(files[5], files[4]); err != nil {  // another day's
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nonsense"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	read("six files are damaged", 6, 6)
	read("they were written again", 0, 0)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	read("the directory was deleted", len(files), len(files)+20)
	// A change of a day: its other version goes.
	var browsers []string
	already := len(l.Facts)
	l.Visit(from.Add(12*time.Hour), &browsers)
	if err := a.Append(t.Context(), l.Facts[already:]); err != nil {
		t.Fatal(err)
	}
	want = say(a)
	if again, err := filepath.Glob(filepath.Join(dir, "*.day")); err != nil || len(again) < len(files) || len(again) > len(files)+1 {
		t.Errorf("%d files, %v, want %d or one more: one version of each day is kept", len(again), err, len(files))
	}
	// What is deleted from the archive does not stay in files, whatever is asked for.
	for {
		n, err := a.Purge(t.Context(), now, from.AddDate(0, 0, 30), from.AddDate(0, 0, 30), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	ask(t, engine.New(a, engine.Options{Dir: dir}), "totals", "UTC", now, url.Values{"from": {"2026-05-20"}, "to": {"2026-05-21"}})
	if old, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("%d-*", report.DayOf(from)+3))); err != nil || len(old) > 0 {
		t.Errorf("sessions of a day were deleted, and %v is there, %v", old, err)
	}
	want = say(a)
	if files, err = filepath.Glob(filepath.Join(dir, "*.day")); err != nil {
		t.Fatal(err)
	}
	// A directory that cannot be written is as if there were none.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	read("the directory cannot be made", len(files), len(files)+20)
}
