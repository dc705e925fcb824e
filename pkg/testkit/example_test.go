package testkit_test

import (
	"context"
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit"
)

type gateway interface {
	Charge(ctx context.Context, cents int) (receipt string, err error)
}

type faultyGateway struct {
	gateway
	faults *testkit.Faults
}

func (g faultyGateway) Charge(ctx context.Context, cents int) (string, error) {
	return testkit.Inject(ctx, g.faults, "Charge", func() (string, error) { return g.gateway.Charge(ctx, cents) })
}

// A decorator is written by hand, one line per method; the test says how often what happens.
func ExampleFaults() {
	wrap := func(t *testing.T, real gateway) gateway {
		return faultyGateway{real, testkit.NewFaults(t, map[string]testkit.Rate{"Charge": {Before: 0.1, After: 0.1}})}
	}
	_ = wrap // needs a test
}
