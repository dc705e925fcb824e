//go:build kafka

package up_test

import (
	"testing"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

func TestShopOfTwoServicesOnKafka(t *testing.T) {
	t.Parallel()
	twoServices(t, shop.Kafka)
}
