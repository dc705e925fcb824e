// Package daprio asks the services through the own sidecar.
//
// The sidecar finds them by name and shows them their app token; an answer that the sidecar made itself is an error of the
// transport. What may go wrong: a service that hangs holds the caller until its context ends.
package daprio

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

const maxBody = 8 << 20

// Services asks over a transport that takes http://<app id>/<path>, such as daprkit's.
type Services struct{ Transport http.RoundTripper }

// Get asks a service for a page of at most 8 MiB.
func (s Services) Get(ctx context.Context, app, path string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+app+path, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", app, err)
	}
	resp, err := s.Transport.RoundTrip(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", app, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("ask %s: the answer broke off: %w", app, err)
	case len(body) > maxBody:
		return 0, nil, fmt.Errorf("ask %s: the answer is longer than %d bytes", app, maxBody)
	}
	return resp.StatusCode, body, nil
}
