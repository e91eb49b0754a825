package admin_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An exposition is what /metrics answered, by the names of its metrics.
type exposition map[string]*family

type family struct {
	help, kind string
	samples    map[string]float64 // by the whole series, as it is written
	order      []string
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$`)
	labelPair  = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)`)
)

// parse reads the text format of Prometheus and is strict about it: a metric has one HELP
// and one TYPE, before its samples, which stand together; no series is there twice; the
// buckets of a histogram are cumulative and end with +Inf, which is its count.
func parse(text string) (exposition, error) {
	all := exposition{}
	if !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("the last line does not end")
	}
	var current string
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		wrong := func(format string, args ...any) (exposition, error) {
			return nil, fmt.Errorf("line %d, %q: %s", n+1, line, fmt.Sprintf(format, args...))
		}
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			if !metricName.MatchString(name) || all[name] != nil || help == "" {
				return wrong("it has no name, no text, or is the second of its metric")
			}
			all[name], current = &family{help: help, samples: map[string]float64{}}, name
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			f := all[name]
			if f == nil || name != current || f.kind != "" || len(f.samples) > 0 || !slices.Contains([]string{"counter", "gauge", "histogram", "summary", "untyped"}, kind) {
				return wrong("a TYPE follows the HELP of its metric, once")
			}
			f.kind = kind
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			return wrong("it is no sample")
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return wrong("it has no value")
		}
		f := all[current]
		if f == nil || f.kind == "" || !belongs(m[1], current, f.kind) {
			return wrong("it does not follow the HELP and the TYPE of its metric")
		}
		if _, err := labels(m[2]); err != nil {
			return wrong("%v", err)
		}
		series := m[1] + "{" + m[2] + "}"
		if _, twice := f.samples[series]; twice {
			return wrong("the series is there twice")
		}
		f.samples[series] = value
		f.order = append(f.order, series)
	}
	for name, f := range all {
		if len(f.samples) == 0 {
			return nil, fmt.Errorf("%s has no sample", name)
		}
		if f.kind == "counter" {
			for series, v := range f.samples {
				if v < 0 || !strings.HasSuffix(name, "_total") {
					return nil, fmt.Errorf("%s %v: a counter is not negative and its name ends with _total", series, v)
				}
			}
		}
		if f.kind == "histogram" {
			if err := f.checkHistogram(name); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func belongs(sample, name, kind string) bool {
	switch kind {
	case "histogram":
		return sample == name+"_bucket" || sample == name+"_sum" || sample == name+"_count"
	case "summary":
		return sample == name || sample == name+"_sum" || sample == name+"_count"
	}
	return sample == name
}

func labels(text string) (map[string]string, error) {
	all := map[string]string{}
	for text != "" {
		m := labelPair.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("%q are no labels", text)
		}
		if _, twice := all[m[1]]; twice {
			return nil, fmt.Errorf("label %s is there twice", m[1])
		}
		all[m[1]] = m[2]
		text = text[len(m[0]):]
	}
	return all, nil
}

func (f *family) checkHistogram(name string) error {
	type state struct{ bound, last, infinite float64 }
	groups := map[string]*state{}
	for _, series := range f.order {
		inner, isBucket := strings.CutPrefix(series, name+"_bucket{")
		if !isBucket {
			continue
		}
		l, err := labels(strings.TrimSuffix(inner, "}"))
		if err != nil {
			return err
		}
		le, err := strconv.ParseFloat(l["le"], 64)
		if err != nil {
			return fmt.Errorf("%s has no le", series)
		}
		delete(l, "le")
		key := fmt.Sprint(l)
		g := groups[key]
		if g == nil {
			g = &state{bound: math.Inf(-1), infinite: -1}
			groups[key] = g
		}
		if le <= g.bound || f.samples[series] < g.last {
			return fmt.Errorf("%s %v: buckets are ordered, and each includes those before it", series, f.samples[series])
		}
		g.bound, g.last = le, f.samples[series]
		if math.IsInf(le, 1) {
			g.infinite = g.last
		}
	}
	for _, series := range f.order {
		inner, isCount := strings.CutPrefix(series, name+"_count{")
		if !isCount {
			continue
		}
		l, err := labels(strings.TrimSuffix(inner, "}"))
		if err != nil {
			return err
		}
		g := groups[fmt.Sprint(l)]
		if g == nil || g.infinite != f.samples[series] {
			return fmt.Errorf("%s %v: the bucket of +Inf is the count", series, f.samples[series])
		}
		if _, ok := f.samples[name+"_sum{"+inner]; !ok {
			return fmt.Errorf("%s has no sum", series)
		}
		delete(groups, fmt.Sprint(l))
	}
	if len(groups) > 0 {
		return fmt.Errorf("%s: buckets without a count: %v", name, groups)
	}
	return nil
}

// A checker that accepts everything would check nothing.
func TestExposition_TheCheckerRefusesWhatIsWrong(t *testing.T) {
	const good = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n" +
		"# HELP h_seconds H.\n# TYPE h_seconds histogram\nh_seconds_bucket{le=\"1\"} 1\nh_seconds_bucket{le=\"+Inf\"} 2\nh_seconds_sum 3\nh_seconds_count 2\n"
	if _, err := parse(good); err != nil {
		t.Fatalf("a good exposition is refused: %v", err)
	}
	for what, c := range map[string][2]string{
		"a sample before its TYPE":            {"# TYPE a_total counter\na_total 1", "a_total 1\n# TYPE a_total counter"},
		"no HELP":                             {"# HELP a_total A.\n", ""},
		"an empty HELP":                       {"a_total A.", "a_total "},
		"a series twice":                      {"a_total 1\n", "a_total 1\na_total 1\n"},
		"a counter by another name":           {"a_total", "a"},
		"buckets that are not cumulative":     {`le="1"} 1`, `le="1"} 3`},
		"a count that is not the last bucket": {"count 2", "count 3"},
		"no +Inf":                             {"h_seconds_bucket{le=\"+Inf\"} 2\n", ""},
		"no sum":                              {"h_seconds_sum 3\n", ""},
		"a sample of another metric":          {"h_seconds_sum 3\n", "other 3\n"},
		"no value":                            {"a_total 1", "a_total x"},
	} {
		bad := strings.ReplaceAll(good, c[0], c[1])
		if what == "a series twice" {
			bad = strings.Replace(good, c[0], c[1], 1)
		}
		if _, err := parse(bad); err == nil {
			t.Errorf("%s is accepted:\n%s", what, bad)
		}
	}
}
