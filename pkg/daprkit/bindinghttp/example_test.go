package bindinghttp_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit/bindinghttp"
	"github.com/sidecart/sidecart/pkg/fault"
)

// A provider's client library gets an http.Client over the binding. In a service the Invoker is a *daprkit.Client.
func ExampleNew() {
	sidecar := &binding{ev: event("402", "<declined/>")}
	breaker := bindinghttp.NewBreaker(bindinghttp.New(sidecar, "payment-gateway"), bindinghttp.BreakerOptions{Name: "payment-gateway"})
	client := &http.Client{Transport: breaker, Timeout: 15 * time.Second} // longer than the component's responseTimeout

	resp, err := client.Get("https://provider.example/transactions/7")
	if err != nil {
		fmt.Println(fault.KindOf(err)) // unavailable: not sent; timeout: look it up
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.StatusCode, sidecar.got.Operation, sidecar.got.Metadata["path"], breaker.State())
	// Output: 402 get /transactions/7 closed
}
