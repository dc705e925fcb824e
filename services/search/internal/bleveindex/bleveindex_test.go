package bleveindex_test

import (
	"testing"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	indextest.Run(t, func(t *testing.T) indextest.Place {
		dir := t.TempDir()
		var opened *bleveindex.Indexes
		closeIt := func() {
			if opened != nil {
				if err := opened.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		t.Cleanup(func() { closeIt() })
		return func() app.Indexes {
			closeIt()
			var err error
			if opened, err = bleveindex.Open(dir, indextest.Shop); err != nil {
				t.Fatal(err)
			}
			return opened
		}
	})
}
