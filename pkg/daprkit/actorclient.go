package daprkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sidecart/sidecart/pkg/fault"
)

// actorID is what an id may be: it is a path segment in daprd, in which "/" and "#" go astray.
var actorID = regexp.MustCompile(`^[A-Za-z0-9._~:@+-]{1,200}$`)

// Actor calls a method of the actor typ with this id and decodes its result into out (nil: ignored). What the actor refused
// comes back as the *fault.Fault that it returned. A call that got no answer is fault.Timeout: the turn may have run, may still
// run, or run again; only when the own sidecar could not be reached it is fault.Unavailable. So ids come from the caller and
// turns are idempotent. Without placement a call hangs, hence a context without a deadline is refused.
func (c *Client) Actor(ctx context.Context, typ, id, method string, in, out any) error {
	if err := c.actor(ctx, typ, id, method, in, out); err != nil {
		return fmt.Errorf("actor %s/%s: %s: %w", typ, id, method, err)
	}
	return nil
}

func (c *Client) actor(ctx context.Context, typ, id, method string, in, out any) error {
	if _, ok := ctx.Deadline(); !ok {
		return fault.New(fault.Internal, "internal", "a call to an actor needs a deadline")
	}
	if !actorID.MatchString(id) || id == "." || id == ".." {
		return fault.New(fault.NotFound, "not-found", "no such thing").WithCause(fmt.Errorf("%q cannot be the id of an actor", id))
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
	}
	// Over HTTP: it costs the sidecar and us about a tenth less than gRPC.
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://actors/v1.0/actors/"+typ+"/"+id+"/method/"+method, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.send(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return errUnknown("the answer broke off: the outcome is unknown").WithCause(err)
	}
	if resp.StatusCode != http.StatusOK {
		// Whatever the text says: daprd repeats calls to actors that move, and an earlier try may have run.
		return errUnknown("no answer in time: the outcome is unknown").WithCause(fmt.Errorf("sidecar: status %d: %.500s", resp.StatusCode, b))
	}
	return openReply(b, out)
}

// notConnected tells that the own sidecar was not reached: daprd forwards the codes of others, but wraps their text.
func notConnected(st *status.Status) bool {
	return st.Code() == codes.Unavailable && strings.HasPrefix(st.Message(), "connection error: ")
}

// reply is what a turn answers, always with status 200: daprd makes a 500 without body of every other status. Kind is empty on
// success.
type reply struct {
	Kind         string          `json:"kind,omitempty"`
	Code         string          `json:"code,omitempty"`
	Message      string          `json:"message,omitempty"`
	Fields       []replyField    `json:"fields,omitempty"`
	Extra        map[string]any  `json:"extra,omitempty"`
	RetryAfterMS int64           `json:"retry_after_ms,omitempty"`
	Data         json.RawMessage `json:"data,omitempty"`
}

type replyField struct {
	Location string `json:"location"`
	Message  string `json:"message"`
	Value    any    `json:"value,omitempty"`
}

// refuse makes the reply of a failed turn. What is no fault is told as internal, without its text.
func refuse(err error) reply {
	f, ok := fault.As(err)
	switch {
	case ok:
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		f = errUnknown("no answer in time: the outcome is unknown")
	default:
		return reply{Kind: fault.Internal.String(), Code: "internal", Message: "something went wrong"}
	}
	r := reply{
		Kind: f.Kind.String(), Code: f.Code, Message: f.Message, Extra: f.Extra, RetryAfterMS: f.RetryAfter.Milliseconds(),
	}
	for _, fl := range f.Fields {
		r.Fields = append(r.Fields, replyField(fl))
	}
	return r
}

// openReply decodes the result of a turn into out, or returns the fault of the turn.
func openReply(b []byte, out any) error {
	var r reply
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber() // as httpx.ParseProblem does: extra members keep their digits
	if err := dec.Decode(&r); err != nil {
		return errUnknown("no usable answer: the outcome is unknown").WithCause(fmt.Errorf("decode %.100q: %w", b, err))
	}
	if r.Kind != "" {
		return r.fault()
	}
	if out == nil || len(r.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Data, out); err != nil {
		return fmt.Errorf("decode result: %w", err)
	}
	return nil
}

func (r reply) fault() *fault.Fault {
	kind, _ := fault.ParseKind(r.Kind) // a kind that we do not know yet is Internal
	f := fault.New(kind, r.Code, r.Message)
	for _, fl := range r.Fields {
		f.Fields = append(f.Fields, fault.Field(fl))
	}
	f.Extra, f.RetryAfter = r.Extra, time.Duration(r.RetryAfterMS)*time.Millisecond
	return f
}
