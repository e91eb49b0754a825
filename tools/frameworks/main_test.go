package frameworks

import (
	"flag"
	"os"
	"testing"
)

// Tests wait for stores and servers more than they compute.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
