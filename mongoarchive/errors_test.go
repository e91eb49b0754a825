package mongoarchive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"

	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/store"
)

// Facts that are permanently refused are set aside, so only errors whose cause is
// the document may count as that.
func TestArchive_Rejects(t *testing.T) {
	bulk := func(concern *mongo.WriteConcernError, codes ...int) error {
		e := mongo.BulkWriteException{WriteConcernError: concern}
		for i, code := range codes {
			e.WriteErrors = append(e.WriteErrors, mongo.BulkWriteError{WriteError: mongo.WriteError{Index: i, Code: code}})
		}
		return e
	}
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"too large for the driver", driver.ErrDocumentTooLarge, true},
		{"too large for the server", mongo.CommandError{Code: 10334}, true},
		{"would become too large", mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 17419}}}, true},
		{"an operator's validation", bulk(nil, 11000, 121), true},
		{"no BSON", mongo.CommandError{Code: 22}, true},
		{"no majority", bulk(&mongo.WriteConcernError{Code: 64}), false},
		{"no majority for what else is wrong", bulk(&mongo.WriteConcernError{Code: 64}, 121), false},
		{"no majority of one", mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, false},
		{"no primary", mongo.CommandError{Code: 10107, Labels: []string{"RetryableWriteError"}}, false},
		{"shutting down", mongo.CommandError{Code: 11600}, false},
		{"too slow", mongo.CommandError{Code: 50}, false},
		{"two writers", bulk(nil, 112), false},
		{"not allowed", mongo.CommandError{Code: 13}, false},
		{"no password", mongo.CommandError{Code: 18}, false},
		{"disk full", mongo.CommandError{Code: 14031}, false},
		{"cut off", io.ErrUnexpectedEOF, false},
		{"deadline", context.DeadlineExceeded, false},
	} {
		if err := mongoarchive.Classify(fmt.Errorf("insert: %w", c.err)); errors.Is(err, store.ErrRejected) != c.want || !errors.Is(err, store.ErrRejected) && err == nil {
			t.Errorf("%s: %v: refused for good = %v, want %v", c.name, err, !c.want, c.want)
		}
	}
}

// An insert succeeded if its only errors are documents that existed already,
// whether the driver's call or a command reports them. Any other error is a
// failure.
func TestArchive_Duplicates(t *testing.T) {
	concern := &mongo.WriteConcernError{Code: 64}
	for _, c := range []struct {
		name    string
		codes   []int
		concern *mongo.WriteConcernError
		want    []int // nil: it did not go well
	}{
		{"all new", []int{}, nil, []int{}},
		{"some were there", []int{11000, 11000}, nil, []int{0, 1}},
		{"one is refused", []int{11000, 121}, nil, nil},
		{"no majority", []int{11000}, concern, nil},
		{"no majority of all", []int{}, concern, nil},
	} {
		many, command := mongo.BulkWriteException{WriteConcernError: c.concern}, mongo.WriteException{WriteConcernError: c.concern}
		for i, code := range c.codes {
			many.WriteErrors = append(many.WriteErrors, mongo.BulkWriteError{WriteError: mongo.WriteError{Index: i, Code: code}})
			command.WriteErrors = append(command.WriteErrors, mongo.WriteError{Index: i, Code: code})
		}
		for _, err := range []error{many, command} {
			if there, ok := mongoarchive.Duplicates(fmt.Errorf("insert: %w", err)); ok != (c.want != nil) || !slices.Equal(there, c.want) {
				t.Errorf("%s: of %T: %v, %v: want %v", c.name, err, there, ok, c.want)
			}
		}
	}
	for _, err := range []error{nil, io.ErrUnexpectedEOF, mongo.CommandError{Code: 10107}} {
		if there, ok := mongoarchive.Duplicates(err); ok != (err == nil) || len(there) > 0 {
			t.Errorf("of %v: %v, %v: want %v", err, there, ok, err == nil)
		}
	}
}

// Whoever reads the log of an outage knows which server does not answer, and why.
func TestArchive_SaysInPlainWordsThatNoServerCanBeUsed(t *testing.T) {
	a, err := mongoarchive.Open(t.Context(), "mongodb://127.0.0.1:1/footfall", mongoarchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, timeErr := a.Now(t.Context())
	_, _, orderErr := a.Order(t.Context(), "o-1")
	_, _, sessionErr := a.Session(t.Context(), "01a208fa-18a5-707e-ad78-d9ccfade960c")
	for what, err := range map[string]error{"now": timeErr, "order": orderErr, "session": sessionErr} {
		if err == nil || !strings.Contains(err.Error(), what+": none of its servers can be used (127.0.0.1:1: ") || strings.Contains(err.Error(), "topology") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want one line that says that 127.0.0.1:1 cannot be used", what, err)
		}
	}
}
