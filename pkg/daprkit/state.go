package daprkit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sidecart/sidecart/pkg/daprkit/internal/outcome"
	"github.com/sidecart/sidecart/pkg/fault"
)

// ErrEtag is the answer to a write whose ETag no longer matches: read again. Check with errors.Is.
var ErrEtag = fault.New(fault.Precondition, "etag-mismatch", "somebody else changed it meanwhile")

// State is one state store component.
type State interface {
	// Get returns the value of key and its ETag; ok is false when there is none. Errors: fault.Unavailable.
	Get(ctx context.Context, key string) (data []byte, etag string, ok bool, err error)
	// Set writes. With etag nil the last write wins; "" creates what must not exist; any other value must still be the key's
	// ETag, else ErrEtag. Redis refuses a write without an ETag of a key that was once written with one, "" included: keep to one
	// way for each key. A ttl of zero keeps the value; others are rounded up to seconds. Other errors: fault.Unavailable
	// when nothing was written, else fault.Timeout.
	Set(ctx context.Context, key string, data []byte, etag *string, ttl time.Duration) error
	// Delete removes key. An ETag other than nil and "" must still match, else ErrEtag; a missing key is no error with nil.
	Delete(ctx context.Context, key string, etag *string) error
}

// State returns the state store component of this name.
func (c *Client) State(store string) State { return &state{sdk: c.sdk, store: store} }

type state struct {
	sdk   dapr.Client
	store string
}

func (s *state) Get(ctx context.Context, key string) ([]byte, string, bool, error) {
	item, err := s.sdk.GetState(ctx, s.store, key, nil)
	if err != nil {
		return nil, "", false, fmt.Errorf("state %s: get %s: %w", s.store, key, errUnavailable("the state store does not answer").WithCause(err))
	}
	return item.Value, item.Etag, item.Etag != "" || len(item.Value) > 0, nil
}

func (s *state) Set(ctx context.Context, key string, data []byte, etag *string, ttl time.Duration) error {
	item := &dapr.SetStateItem{Key: key, Value: data, Options: &dapr.StateOptions{
		Concurrency: dapr.StateConcurrencyLastWrite, Consistency: dapr.StateConsistencyStrong,
	}}
	if etag != nil { // first write: without an ETag it creates only
		item.Options.Concurrency = dapr.StateConcurrencyFirstWrite
		if *etag != "" {
			item.Etag = &dapr.ETag{Value: *etag}
		}
	}
	if ttl > 0 {
		secs := int64((ttl + time.Second - 1) / time.Second)
		item.Metadata = map[string]string{"ttlInSeconds": strconv.FormatInt(secs, 10)}
	}
	if err := s.sdk.SaveBulkState(ctx, s.store, item); err != nil {
		return fmt.Errorf("state %s: set %s: %w", s.store, key, writeFault(err, etag))
	}
	return nil
}

func (s *state) Delete(ctx context.Context, key string, etag *string) error {
	var tag *dapr.ETag
	opts := &dapr.StateOptions{Concurrency: dapr.StateConcurrencyLastWrite, Consistency: dapr.StateConsistencyStrong}
	if etag != nil && *etag != "" {
		tag, opts.Concurrency = &dapr.ETag{Value: *etag}, dapr.StateConcurrencyFirstWrite
	}
	if err := s.sdk.DeleteStateWithETag(ctx, s.store, key, tag, nil, opts); err != nil {
		return fmt.Errorf("state %s: delete %s: %w", s.store, key, writeFault(err, etag))
	}
	return nil
}

func writeFault(err error, etag *string) error {
	switch st := grpcStatus(err); {
	case st.Code() == codes.Aborted, etag != nil && *etag == "" && outcome.Exists(st.Message()):
		return ErrEtag.WithCause(err)
	case notConnected(st):
		return errUnavailable("the state store does not answer").WithCause(err)
	}
	return errUnknown("the state store gave no answer").WithCause(err)
}

// grpcStatus returns the innermost status of an error that the SDK has wrapped, with its own message only.
func grpcStatus(err error) *status.Status {
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		return s.GRPCStatus()
	}
	return status.New(codes.Unknown, err.Error())
}
