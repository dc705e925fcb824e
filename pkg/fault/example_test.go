package fault_test

import (
	"errors"
	"fmt"

	"github.com/sidecart/sidecart/pkg/fault"
)

var errOutOfStock = fault.New(fault.Conflict, "out-of-stock", "not enough is left")

func Example() {
	hold := func(sku string, want, have int) error {
		if want > have {
			return errOutOfStock.With("available", have)
		}
		return nil
	}
	err := fmt.Errorf("hold %s: %w", "A-1", hold("A-1", 3, 1))
	fmt.Println(err)
	fmt.Println(fault.KindOf(err), errors.Is(err, errOutOfStock))
	// Output:
	// hold A-1: out-of-stock: not enough is left
	// conflict true
}

func ExampleCollector() {
	quantity, sku := 0, ""
	var c fault.Collector
	c.Check(quantity > 0, "body.quantity", "must be above 0", quantity)
	c.Check(sku != "", "body.sku", "is required", nil)
	if f, ok := fault.As(c.Err()); ok {
		fmt.Println(f)
		for _, field := range f.Fields {
			fmt.Println(field.Location, field.Message)
		}
	}
	// Output:
	// validation-failed: 2 faults in the input
	// body.quantity must be above 0
	// body.sku is required
}
