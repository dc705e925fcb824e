// Package daprio is payment's way out through its sidecar: the binding to the gateway. Address, key and time-out of the gateway
// stand in the component; the circuit breaker stands here, because at the component declines would open it.
package daprio

import (
	"log/slog"
	"net/http"

	"github.com/sidecart/sidecart/pkg/daprkit/bindinghttp"
)

// Component is the name of the binding.
const Component = "payment-gateway"

// Transport sends requests through the binding.
func Transport(sidecar bindinghttp.Invoker, log *slog.Logger) http.RoundTripper {
	return bindinghttp.NewBreaker(bindinghttp.New(sidecar, Component), bindinghttp.BreakerOptions{Name: Component,
		OnChange: func(name, from, to string) { log.Warn("circuit breaker", "name", name, "from", from, "to", to) }})
}
