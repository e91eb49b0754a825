package mongoarchive

import (
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"

	"github.com/footfall-go/footfall/store"
)

const duplicateKey = 11000

// refusedForGood are the codes of errors whose cause is the document itself.
var refusedForGood = []int{
	2,     // BadValue
	9,     // FailedToParse
	14,    // TypeMismatch
	15,    // Overflow: nested too deep
	22,    // InvalidBSON
	52,    // DollarPrefixedFieldName
	53,    // InvalidIdField
	57,    // DottedFieldName
	121,   // DocumentValidationFailure
	10334, // BSONObjectTooLarge
	17280, // KeyTooLong
	17419, // the document would be too large
	17420, // the document would be too large
}

// classify marks errors that a retry cannot fix with store.ErrRejected. A write
// concern that was not met and the errors of a server that is down or shutting
// down are not among them.
func classify(err error) error {
	permanent := func(code int) bool { return slices.Contains(refusedForGood, code) }
	refused := errors.Is(err, driver.ErrDocumentTooLarge)
	var marshal mongo.MarshalError
	refused = refused || errors.As(err, &marshal)
	var many mongo.BulkWriteException
	if errors.As(err, &many) && many.WriteConcernError == nil {
		refused = slices.ContainsFunc(many.WriteErrors, func(e mongo.BulkWriteError) bool { return permanent(e.Code) })
	}
	var one mongo.WriteException
	if errors.As(err, &one) && one.WriteConcernError == nil {
		refused = slices.ContainsFunc(one.WriteErrors, func(e mongo.WriteError) bool { return permanent(e.Code) })
	}
	var command mongo.CommandError
	if errors.As(err, &command) {
		refused = permanent(int(command.Code)) && !command.HasErrorLabel("RetryableWriteError")
	}
	if refused {
		return fmt.Errorf("%w: %w", store.ErrRejected, err)
	}
	return err
}

// duplicates returns which documents of an unordered insert existed already. It
// returns false if there was any other error.
func duplicates(err error) ([]int, bool) {
	var failed []mongo.WriteError
	var many mongo.BulkWriteException
	var command mongo.WriteException // the type that RunCommand returns
	switch {
	case errors.As(err, &many) && many.WriteConcernError == nil:
		for _, e := range many.WriteErrors {
			failed = append(failed, e.WriteError)
		}
	case errors.As(err, &command) && command.WriteConcernError == nil:
		failed = command.WriteErrors
	default:
		return nil, err == nil
	}
	var there []int
	for _, e := range failed {
		if e.Code != duplicateKey {
			return nil, false
		}
		there = append(there, e.Index)
	}
	return there, true
}

func isDuplicate(err error) bool { return mongo.IsDuplicateKeyError(err) }
