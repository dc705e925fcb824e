package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	opensearch "github.com/opensearch-project/opensearch-go/v2"

	"github.com/sidecart/sidecart/services/search/internal/app"
)

// How long the cluster may take. Beyond that it counts as away.
const (
	dialPatience  = 2 * time.Second
	readPatience  = 5 * time.Second
	writePatience = 30 * time.Second
	maxAnswer     = 64 << 20 // bytes: a page of a thousand large products is less
)

// client asks a cluster.
type client struct {
	transport *opensearch.Client
}

func newClient(addresses []string, user, password string) (*client, error) {
	c, err := opensearch.NewClient(opensearch.Config{
		Addresses: addresses, Username: user, Password: password, DisableRetry: len(addresses) < 2, MaxRetries: len(addresses) - 1, // each node once
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialPatience}).DialContext, TLSHandshakeTimeout: dialPatience,
			MaxIdleConns: 100, MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute,
		},
	})
	return &client{c}, err
}

// object is one of JSON.
type object = map[string]any

// failure is what the cluster says of a request that it does not perform.
type failure struct {
	Status int `json:"status"`
	Cause  struct {
		reason
		Root []reason `json:"root_cause"`
	} `json:"error"`
}

type reason struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

func (f *failure) Error() string {
	why := f.Cause.reason
	if len(f.Cause.Root) > 0 {
		why = f.Cause.Root[0]
	}
	return fmt.Sprintf("OpenSearch says %d %s: %.500s", f.Status, why.Type, why.Reason)
}

// is tells whether the cluster answered with a status.
func is(err error, status int) bool {
	var f *failure
	return errors.As(err, &f) && f.Status == status
}

// away tells whether a status says that the cluster cannot answer now, or not us.
func away(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusUnauthorized, http.StatusForbidden:
		return true
	}
	return status >= http.StatusInternalServerError
}

// ask performs a request within the patience, and reads the answer into out, if any. body is JSON already, or what is to be made of it.
// What is away, hangs or is overloaded is app.ErrUnavailable; anything else that is refused is a *failure.
func (c *client) ask(ctx context.Context, patience time.Duration, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := request(ctx, method, path, body)
	if err != nil {
		return err
	}
	res, err := c.transport.Perform(req)
	if err != nil {
		return app.ErrUnavailable.WithCause(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return app.ErrUnavailable.WithCause(err)
	case len(raw) > maxAnswer:
		return fmt.Errorf("%s %s: the answer is longer than %d bytes", method, path, maxAnswer)
	case res.StatusCode >= http.StatusBadRequest:
		f := &failure{}
		if json.Unmarshal(raw, f) != nil || f.Cause.Type == "" {
			f.Cause.Reason = string(raw)
		}
		if f.Status = res.StatusCode; away(f.Status) {
			return app.ErrUnavailable.WithCause(f)
		}
		return f
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	raw, ready := body.([]byte)
	if !ready && body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
