package report

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A Dimension is what visits are told apart by.
type Dimension string

// The dimensions of filters. A visit has one value of each, or none; of Page and Product
// it may have several.
const (
	Channel  Dimension = "channel"
	Medium   Dimension = "medium"
	Campaign Dimension = "campaign"
	Term     Dimension = "term"
	Content  Dimension = "content"
	Referrer Dimension = "referrer"
	Landing  Dimension = "landing"
	Exit     Dimension = "exit"
	Page     Dimension = "page"
	Product  Dimension = "product"
	Country  Dimension = "country"
	City     Dimension = "city"
	Device   Dimension = "device"
	Browser  Dimension = "browser"
	OS       Dimension = "os"
)

// Dimensions are all of them.
var Dimensions = []Dimension{Channel, Medium, Campaign, Term, Content, Referrer, Landing, Exit, Page, Product, Country, City, Device, Browser, OS}

// Cased reports whether values of the dimension that differ in case are different ones.
func (d Dimension) Cased() bool { return d == Page || d == Landing || d == Exit || d == Product }

// An Operator compares the value of a dimension.
type Operator string

// The operators. Is, Contains and Begins hold for a visit if one of its values is, contains
// or begins with one of the condition's. Not is the complement of Is.
const (
	Is       Operator = "is"
	Not      Operator = "not"
	Contains Operator = "contains"
	Begins   Operator = "begins"
)

// A Condition selects visits, and orders by their visit. The empty text stands for unknown.
type Condition struct {
	Dimension Dimension
	Operator  Operator
	Values    []string
}

// Holds reports whether one value of the dimension fulfils the condition, [Not] taken as
// [Is].
func (c *Condition) Holds(value string) bool {
	if !c.Dimension.Cased() {
		value = TextKey(value)
	}
	for _, want := range c.Values {
		if !c.Dimension.Cased() {
			want = TextKey(want)
		}
		switch c.Operator {
		case Contains:
			if want != "" && strings.Contains(value, want) {
				return true
			}
		case Begins:
			if want != "" && strings.HasPrefix(value, want) {
				return true
			}
		default:
			if value == want {
				return true
			}
		}
	}
	return false
}

func (q *Question) readFilters(p url.Values) error {
	if len(p["filter"]) > maxFilters {
		return mistake{"filter", fmt.Sprintf("there are more than %d", maxFilters)}
	}
	for _, text := range p["filter"] {
		c, err := parseCondition(text)
		if err != nil {
			return err
		}
		q.Filters = append(q.Filters, c)
	}
	return nil
}

// parseCondition reads DIMENSION:OP:VALUE|VALUE. The first two colons divide; a bar or a
// backslash within a value has a backslash before it.
func parseCondition(text string) (Condition, error) {
	dimension, rest, ok := strings.Cut(text, ":")
	operator, values, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return Condition{}, mistake{"filter", fmt.Sprintf("%q: write it like country:is:FR", text)}
	}
	c := Condition{Dimension: Dimension(dimension), Operator: Operator(operator)}
	if !slices.Contains(Dimensions, c.Dimension) {
		return c, mistake{"filter", fmt.Sprintf("%q is not a dimension: use %s", dimension, join(Dimensions))}
	}
	operators := []Operator{Is, Not, Contains, Begins}
	if !slices.Contains(operators, c.Operator) {
		return c, mistake{"filter", fmt.Sprintf("%q is not an operator: use %s", operator, join(operators))}
	}
	if c.Values = splitValues(values); len(c.Values) > maxValues {
		return c, mistake{"filter", fmt.Sprintf("%s has more than %d values", dimension, maxValues)}
	}
	if (c.Operator == Contains || c.Operator == Begins) && slices.Contains(c.Values, "") {
		return c, mistake{"filter", fmt.Sprintf("%q: %s needs a value", text, operator)}
	}
	if c.Dimension == Page || c.Dimension == Landing || c.Dimension == Exit {
		for i, v := range c.Values {
			if c.Operator == Is || c.Operator == Not {
				c.Values[i] = PageKey(v)
			} else {
				c.Values[i] = pagePart(v)
			}
		}
	}
	return c, nil
}

func splitValues(text string) (values []string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '|' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case text[i] == '|':
			values = append(values, b.String())
			b.Reset()
		default:
			b.WriteByte(text[i])
		}
	}
	return append(values, b.String())
}

// String is the condition as [ParseQuestion] reads it.
func (c Condition) String() string {
	escaped := make([]string, len(c.Values))
	for i, v := range c.Values {
		escaped[i] = strings.NewReplacer(`\`, `\\`, `|`, `\|`).Replace(v)
	}
	return string(c.Dimension) + ":" + string(c.Operator) + ":" + strings.Join(escaped, "|")
}

func join[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}
