package checkouttest

import (
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
