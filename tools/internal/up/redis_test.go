//go:build redis

package up_test

import (
	"testing"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

func TestShopOfTwoServicesOnStandard(t *testing.T) {
	t.Parallel()
	twoServices(t, shop.Standard)
}
