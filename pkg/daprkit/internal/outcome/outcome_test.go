package outcome_test

import (
	"testing"

	"github.com/sidecart/sidecart/pkg/daprkit/internal/outcome"
)

func TestNotSent(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text string
		want bool
	}{
		"app refuses connections":    {`failed to invoke, id: order, err: rpc error: code = Internal desc = error invoking app channel: Post "http://127.0.0.1:1/v1": dial tcp 127.0.0.1:1: connect: connection refused`, true},
		"callee's sidecar is away":   {`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:2: connect: connection refused"`, true},
		"no such app":                {`failed to invoke, id: nobody, err: no host found with the given ID`, true},
		"breaker":                    {`error invoking output binding payment-gateway: circuit breaker is open`, true},
		"missing component":          {`error invoking output binding x: couldn't find output binding x`, true},
		"app not healthy":            {`failed to invoke, id: order, err: rpc error: code = Internal desc = app is not in a healthy state`, true},
		"dial after daprd's retries": {`failed to invoke target order after 3 retries. Error: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:2: connect: connection refused"`, false},
		"dial before any retry":      {`failed to invoke target order after 0 retries. Error: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:2: connect: connection refused"`, true},
		"connection lost half-way":   {`rpc error: code = Unavailable desc = error reading from server: EOF`, false},
		"lost while it stopped":      {`rpc error: code = Unavailable desc = closing transport due to: connection error: desc = "error reading from server: EOF", received prior goaway: code: NO_ERROR, debug data: "graceful_stop"`, false},
		"component time-out":         {`error invoking output binding payment-gateway: Post "http://127.0.0.1:3/x": context deadline exceeded`, false},
		"reset by the provider":      {`Post "http://127.0.0.1:3/x": read tcp 127.0.0.1:4->127.0.0.1:3: read: connection reset by peer`, false},
		"an unknown text":            {`something else`, false},
		"nothing said":               {``, false},
		"closed before the answer":   {`Post "http://127.0.0.1:3/x": EOF`, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := outcome.NotSent(c.text); got != c.want {
				t.Errorf("NotSent(%q) = %v, want %v", c.text, got, c.want)
			}
		})
	}
}
