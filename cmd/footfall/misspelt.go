package main

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// misspelt returns a warning for each variable of the environment that nothing reads and
// that looks like one of the settings. Variables of other programs are not to be warned
// about, therefore
//
//   - a name has to have the same words as the setting, all but one without a difference,
//     and that one with a letter or two more, less, exchanged or other: the longer the
//     word, the more; or to be the setting's name with _ in other places;
//   - the setting it looks like must not be set;
//   - or the name is that of a setting, with FOOTFALL_ before it.
func misspelt(environ []string, settings []setting) (all []warning) {
	names := settingNames()
	set := map[string]bool{}
	for _, s := range settings {
		set[s.Name] = s.Set
	}
	set["NODE_ENV"] = set["APP_ENV"]
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		upper := strings.ToUpper(name)
		if value == "" || slices.Contains(names, name) || runtime.GOOS == "windows" && slices.Contains(names, upper) {
			continue
		}
		if rest, ours := strings.CutPrefix(upper, "FOOTFALL_"); ours {
			if meant := nearest(rest, names); meant != "" {
				all = append(all, warning{name, fmt.Sprintf("nothing reads it, because the settings have no prefix: was %s meant?", meant)})
			}
			continue
		}
		if meant := nearest(upper, names); meant != "" && !set[meant] {
			all = append(all, warning{name, fmt.Sprintf("nothing reads it: was %s meant?", meant)})
		}
	}
	slices.SortFunc(all, func(a, b warning) int { return strings.Compare(a.name, b.name) })
	return all
}

// settingNames are the variables that the command reads.
func settingNames() (names []string) {
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for field := range t.Fields() {
			if field.Anonymous {
				add(field.Type)
			} else if env := field.Tag.Get("env"); env != "" {
				names = append(names, strings.Split(env, ",")...)
			}
		}
	}
	add(reflect.TypeFor[Settings]())
	return names
}

// nearest returns the setting that a name is, or looks like, or "".
func nearest(name string, names []string) string {
	if slices.Contains(names, name) {
		return name
	}
	for _, n := range names {
		if looksLike(name, n) {
			return n
		}
	}
	return ""
}

// looksLike reports whether a name is another one misspelt.
func looksLike(name, of string) bool {
	if len(of) >= 7 && strings.ReplaceAll(name, "_", "") == strings.ReplaceAll(of, "_", "") {
		return true
	}
	words, want := strings.Split(name, "_"), strings.Split(of, "_")
	if len(words) != len(want) {
		return false
	}
	differ := 0
	for i, w := range words {
		if w == want[i] {
			continue
		}
		if differ++; differ > 1 || distance(singular(w), singular(want[i])) > tolerated(want[i], len(want)) {
			return false
		}
	}
	return true
}

// tolerated is how many mistakes a word may have, in a name of so many words.
func tolerated(word string, words int) int {
	switch n := len(word); {
	case words == 1 && n < 8, n < 3:
		return 0
	case n < 7:
		return 1
	}
	return 2
}

// singular takes the ending of the plural from a word.
func singular(word string) string {
	if stem, ok := strings.CutSuffix(word, "IES"); ok {
		return stem + "Y"
	}
	return strings.TrimSuffix(word, "S")
}

// distance counts the letters that are missing, too many, others, or exchanged with
// the next.
func distance(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
