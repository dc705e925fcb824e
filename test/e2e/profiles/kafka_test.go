//go:build kafka

package profiles

import (
	"testing"

	"github.com/sidecart/sidecart/test/e2e/shop"
)

// A shop that ran on the embedded profile goes on with Kafka, with all that it knows: a guest buys and cancels, and no event is lost by
// a kill.
func TestKafka(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, shop.Embedded)
	sku := s.Goods(t, "kafka", 100)
	earlier := buy(t, s, sku)
	closing(t, s)

	s = open(t, dir, shop.Kafka)
	if !s.Said("from profile embedded to kafka") {
		t.Error("the tool does not say that it changes the profile")
	}
	s.Must(t, 200, "GET", "/v1/orders/"+earlier.ID+"?access_token="+earlier.AccessToken, nil, nil)
	buyAndCancel(t, s, sku)
	cartsSurvive(t, s, sku, func() { s.WipeCarts(t) })
	buy(t, s, sku)
	kill(t, s, "kafka")
	buyAndCancel(t, s, sku)
	clean(t, s)
	for _, topic := range s.Events(t.Context()).Topics {
		for _, c := range topic.Consumers {
			if c.Subscribed == nil || !*c.Subscribed {
				t.Errorf("%s is not subscribed to %s any more", c.App, topic.Name)
			}
		}
	}
}
