package postgres

import (
	"encoding/json"
	"fmt"

	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// failed is a failure as it is kept.
type failed struct {
	Outcome     string `json:"outcome"`
	DeclineCode string `json:"decline_code,omitempty"`
	Retryable   bool   `json:"retryable,omitempty"`
}

// writeFailure returns nil where nothing failed.
func writeFailure(f checkout.Failure) ([]byte, error) {
	if f == (checkout.Failure{}) {
		return nil, nil
	}
	return json.Marshal(failed(f))
}

func readAddress(data []byte) (*checkout.Address, error) {
	if data == nil {
		return nil, nil //nolint:nilnil // no address is no error
	}
	var a orderapi.Address
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	core := checkout.Address(a)
	return &core, nil
}

func writeAddress(a *checkout.Address) ([]byte, error) {
	if a == nil {
		return nil, nil
	}
	return json.Marshal(orderapi.Address(*a))
}
