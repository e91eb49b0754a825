package mongoarchive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/mongoarchive"
)

// Facts that are refused for good are set aside, so only what a document is to
// blame for may be.
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
		if err := mongoarchive.Classify(fmt.Errorf("insert: %w", c.err)); errors.Is(err, footfall.ErrRejected) != c.want || !errors.Is(err, footfall.ErrRejected) && err == nil {
			t.Errorf("%s: %v: refused for good = %v, want %v", c.name, err, !c.want, c.want)
		}
	}
}
