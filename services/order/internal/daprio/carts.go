package daprio

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Carts asks cart, as a storefront would. It implements app.Carts.
type Carts struct{ Caller daprkit.Caller }

const pathCarts = "/v1/carts"

// Fill implements app.Carts. Cart refuses all lines for the sake of some and names them: they are left out, and the others asked for again.
// It names one kind of fault at a time, so that each round leaves out some.
func (c Carts) Fill(ctx context.Context, key string, in cartapi.CreateInput, lines []orderapi.PlaceLine) (string, []orderapi.LeftOut, error) {
	var cart struct {
		ID string `json:"id"`
	}
	err := c.Caller.JSON(ctx, http.MethodPost, pathCarts, in, &cart, once(key))
	if in.Channel != "" && names(err, "body.channel") { // nothing is sold there any more
		in.Channel = ""
		err = c.Caller.JSON(ctx, http.MethodPost, pathCarts, in, &cart, once(key+" in no channel"))
	}
	if err != nil {
		return "", nil, err
	}
	var left []orderapi.LeftOut
	for len(lines) > 0 {
		batch := cartapi.BatchInput{}
		for _, l := range lines {
			batch.Lines = append(batch.Lines, cartapi.LineInput{SKU: l.SKU, Quantity: l.Quantity, Metadata: l.Metadata})
		}
		err := c.Caller.JSON(ctx, http.MethodPost, pathCarts+"/"+cart.ID+"/lines/batch", batch, nil, once(key+" "+strconv.Itoa(len(lines))))
		if err == nil {
			return cart.ID, left, nil
		}
		f, ok := fault.As(err)
		named := map[string]bool{}
		if ok && (f.Code == "unknown-sku" || f.Code == "not-sellable") {
			for _, field := range f.Fields {
				if sku, is := field.Value.(string); is {
					named[sku] = true
				}
			}
		}
		var sold []orderapi.PlaceLine
		for _, l := range lines {
			if named[l.SKU] {
				left = append(left, orderapi.LeftOut{LineID: l.ID, SKU: l.SKU, Title: l.Title, Quantity: l.Quantity, Reason: f.Code})
			} else {
				sold = append(sold, l)
			}
		}
		if len(sold) == len(lines) { // it names none: another refusal, or none at all
			return "", nil, err
		}
		lines = sold
	}
	return "", left, nil
}

// names reports whether a refusal is of this place of what was sent.
func names(err error, place string) bool {
	f, ok := fault.As(err)
	return ok && slices.ContainsFunc(f.Fields, func(at fault.Field) bool { return at.Location == place })
}

// once is the key of a call that belongs to ours. A stranger who knows the key of ours must not find the cart.
func once(key string) daprkit.CallOption {
	sum := sha256.Sum256([]byte(key))
	return daprkit.WithHeader("Idempotency-Key", hex.EncodeToString(sum[:]))
}
