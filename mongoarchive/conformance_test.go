package mongoarchive_test

import (
	"testing"

	"github.com/footfall-go/footfall/archivetest"
	"github.com/footfall-go/footfall/internal/testserver"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	server := testserver.MongoDB(t)
	archivetest.Run(t, archivetest.Harness{
		Open: func(t *testing.T) archivetest.Archive { return open(t, database(t, server)) },
		OpenTwo: func(t *testing.T) (archivetest.Archive, archivetest.Archive) {
			uri := database(t, server)
			return open(t, uri), open(t, uri)
		},
		Random: 3,
		Small:  true,
	})
}
