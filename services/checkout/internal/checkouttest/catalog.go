package checkouttest

import (
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// sellables knows what has a weight; what is called "gone" is sold no more.
func (n *Neighbours) sellables(body []byte) (any, error) {
	req, err := read[catalogapi.SellablesRequest](body)
	var out catalogapi.Sellables
	for _, sku := range req.SKUs {
		if grams, ok := Grams[sku]; ok || sku == "gone" {
			out.Items = append(out.Items, catalogapi.Sellable{SKU: sku, ProductID: "product-" + sku, Title: "A " + sku, WeightGrams: grams, Sellable: sku != "gone"})
		}
	}
	return out, err
}

// weights are those that cart remembers of what catalog has forgotten: a ghost weighs two kilograms.
func (n *Neighbours) weights(body []byte) (any, error) {
	req, err := read[cartapi.WeightsRequest](body)
	out := cartapi.Weights{Grams: map[string]int64{}}
	for _, sku := range req.SKUs {
		if sku == "ghost" {
			out.Grams[sku] = 2000
		}
	}
	return out, err
}
