package report

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/footfall-go/footfall/store"
)

// A StepKind says what a step of a funnel looks at.
type StepKind string

// The kinds of steps. StepVisit is reached by each visit.
const (
	StepVisit   StepKind = "visit"
	StepEvent   StepKind = "event"   // an event of this type
	StepPage    StepKind = "page"    // a view of a page that begins with this
	StepProduct StepKind = "product" // an event of this product
)

// A Step is one step of a funnel.
type Step struct {
	Kind  StepKind
	Value string
}

// maxSteps is how many steps a funnel has at most.
const maxSteps = 8

// shopSteps are the steps of a funnel that names none: visit, product, cart, checkout, order.
var shopSteps = []Step{{StepVisit, ""}, {StepEvent, store.EventViewItem}, {StepEvent, store.EventAddToCart}, {StepEvent, store.EventCheckoutStarted}, {StepEvent, store.EventOrderCompleted}}

// String is the step as [ParseQuestion] reads it.
func (s Step) String() string {
	if s.Kind == StepVisit {
		return string(s.Kind)
	}
	return string(s.Kind) + ":" + s.Value
}

// EventKey is the name under which an event counts: those of Google Analytics 4 are
// accepted for the same things.
func EventKey(name string) string {
	switch name {
	case "begin_checkout":
		return store.EventCheckoutStarted
	case "purchase":
		return store.EventOrderCompleted
	}
	return name
}

func (q *Question) readSteps(p url.Values) error {
	text := p.Get("steps")
	if q.Report != "funnel" {
		return nil
	}
	if text == "" {
		q.Steps = shopSteps
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		kind, value, _ := strings.Cut(part, ":")
		s := Step{StepKind(kind), value}
		switch {
		case s.Kind == StepVisit && value == "":
		case !slices.Contains([]StepKind{StepEvent, StepPage, StepProduct}, s.Kind) || value == "":
			return mistake{"steps", fmt.Sprintf("%q: write it like event:add_to_cart,page:/checkout,product:17", part)}
		case s.Kind == StepPage:
			s.Value = pagePart(value)
		case s.Kind == StepEvent:
			s.Value = EventKey(value)
		}
		q.Steps = append(q.Steps, s)
	}
	if len(q.Steps) > maxSteps {
		return mistake{"steps", fmt.Sprintf("there are more than %d", maxSteps)}
	}
	return nil
}

// A FunnelNote says what the rows of a funnel leave out.
type FunnelNote struct {
	Skipped       int64 `json:"skipped"`       // visits with an order that did not reach the last step
	FurtherOrders int64 `json:"furtherOrders"` // orders of the range beside the first one of each of its visits
}
