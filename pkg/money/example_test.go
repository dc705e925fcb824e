package money_test

import (
	"encoding/json"
	"fmt"

	"github.com/sidecart/sidecart/pkg/money"
)

func Example() {
	price, err := money.Parse("19.99", "USD")
	if err != nil {
		fmt.Println(err)
		return
	}
	subtotal, err := price.Mul(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	tax, err := subtotal.BasisPoints(825, money.HalfUp) // 8.25 %
	if err != nil {
		fmt.Println(err)
		return
	}
	total, err := subtotal.Add(tax)
	if err != nil {
		fmt.Println(err)
		return
	}
	wire, _ := json.Marshal(total)
	fmt.Println(subtotal, tax, total)
	fmt.Println(string(wire))
	// Output:
	// 59.97 USD 4.95 USD 64.92 USD
	// {"amount":6492,"currency":"USD"}
}

func ExampleAmount_Allocate() {
	discount := money.New(1000, "EUR")
	parts, err := discount.Allocate([]int64{1, 1, 1})
	fmt.Println(parts, err)
	// Output: [3.34 EUR 3.33 EUR 3.33 EUR] <nil>
}

func ExampleAmount_Plain() {
	for _, c := range []money.Currency{"JPY", "USD", "KWD", "CLF"} {
		fmt.Println(money.New(5, c))
	}
	// Output:
	// 5 JPY
	// 0.05 USD
	// 0.005 KWD
	// 0.0005 CLF
}
