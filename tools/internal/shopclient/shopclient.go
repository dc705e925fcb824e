// Package shopclient speaks the shop's public API as any program would: JSON over HTTP through the gateway.
//
// Problem documents come back as *Problem. A call that may be repeated (every one but a POST without an Idempotency-Key: what
// the shop takes as PUT, PATCH and DELETE sets values, and does so as well twice) is repeated on 429, 502, 503, 504 and on a
// broken connection, for as long as Patience says, so that a tool survives the restart of what it talks to.
package shopclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client calls one shop. It is safe for concurrent use.
type Client struct {
	Base     string                 // "http://127.0.0.1:8000"
	Token    func() (string, error) // bearer token of every call; nil: none
	Patience time.Duration          // how long a call that may be repeated is repeated; 0: not at all
	HTTP     *http.Client
	// Observe, if set, hears of each call when it is over, repeats and waiting included. It is called by many at once.
	Observe func(call Call, status int, took time.Duration)
}

// New returns a client for a base URL.
func New(base string) *Client {
	transport := &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512, IdleConnTimeout: time.Minute}
	return &Client{Base: strings.TrimSuffix(base, "/"), HTTP: &http.Client{Transport: transport, Timeout: 60 * time.Second}}
}

// As returns a client that sends a bearer token.
func (c *Client) As(token func() (string, error)) *Client {
	d := *c
	d.Token = token
	return &d
}

// Problem is a refusal of the shop, RFC 9457.
type Problem struct {
	Type   string `json:"type"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
	Retryable   bool          `json:"retryable"`
	DeclineCode string        `json:"decline_code"`
	TraceID     string        `json:"trace_id"`
	RetryAfter  time.Duration `json:"-"`
}

// Code is the slug of the type: "out-of-stock".
func (p *Problem) Code() string { return p.Type[strings.LastIndexByte(p.Type, '/')+1:] }

func (p *Problem) Error() string {
	s := fmt.Sprintf("%d %s: %s", p.Status, p.Code(), p.Detail)
	for i, e := range p.Errors {
		if i == 5 {
			s += fmt.Sprintf(" … and %d more", len(p.Errors)-i)
			break
		}
		s += fmt.Sprintf(" [%s: %s]", e.Location, e.Message)
	}
	return s
}

// Answer is what a call brought beside its body.
type Answer struct {
	Status int
	Header http.Header
}

// Call is one request. In is sent as JSON, Out is decoded into; both may be nil. Key is an Idempotency-Key.
type Call struct {
	Method, Path string
	In, Out      any
	Key          string
	Header       http.Header
}

// Do makes a call.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	begun := time.Now()
	a, err := c.do(ctx, call, begun)
	if c.Observe != nil {
		c.Observe(call, a.Status, time.Since(begun))
	}
	return a, err
}

func (c *Client) do(ctx context.Context, call Call, begun time.Time) (Answer, error) {
	var body []byte
	if call.In != nil {
		var err error
		if body, err = json.Marshal(call.In); err != nil {
			return Answer{}, fmt.Errorf("encode %s %s: %w", call.Method, call.Path, err)
		}
	}
	wait := 100 * time.Millisecond
	for {
		a, err := c.once(ctx, call, body)
		if err == nil || !c.again(ctx, call, err, begun) {
			return a, err
		}
		if p, ok := errors.AsType[*Problem](err); ok && p.RetryAfter > 0 {
			wait = p.RetryAfter
		}
		select {
		case <-ctx.Done():
			return a, err
		case <-time.After(wait):
		}
		wait = min(2*wait, 2*time.Second)
	}
}

func (c *Client) again(ctx context.Context, call Call, err error, begun time.Time) bool {
	if ctx.Err() != nil || time.Since(begun) > c.Patience || (call.Method == http.MethodPost && call.Key == "") {
		return false
	}
	if errors.Is(err, errAnswer) {
		return false
	}
	p, ok := errors.AsType[*Problem](err)
	return !ok || p.Status == http.StatusTooManyRequests || p.Status >= http.StatusBadGateway
}

func (c *Client) once(ctx context.Context, call Call, body []byte) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, call.Method, c.Base+call.Path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for key, values := range call.Header {
		r.Header[key] = values
	}
	if call.In != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if call.Key != "" {
		r.Header.Set("Idempotency-Key", call.Key)
	}
	if c.Token != nil {
		token, err := c.Token()
		if err != nil {
			return Answer{}, fmt.Errorf("token: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: answer: %w", call.Method, call.Path, err)
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	if resp.StatusCode >= http.StatusBadRequest {
		return a, fmt.Errorf("%s %s: %w", call.Method, call.Path, problem(resp, data))
	}
	if call.Out != nil && resp.StatusCode != http.StatusNoContent {
		if err := json.Unmarshal(data, call.Out); err != nil {
			return a, fmt.Errorf("%s %s: %w: %w", call.Method, call.Path, errAnswer, err)
		}
	}
	return a, nil
}

// errAnswer is a good status with a body that cannot be read: the shop breaks its contract, and will do so again.
var errAnswer = errors.New("the answer is not what the contract says")

func problem(resp *http.Response, data []byte) *Problem {
	p := &Problem{}
	if err := json.Unmarshal(data, p); err != nil || p.Type == "" {
		p = &Problem{Type: "about:blank", Detail: fmt.Sprintf("%.300s", data)}
	}
	p.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(s) * time.Second
	}
	return p
}

// Get decodes the answer into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	_, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path, Out: out})
	return err
}

// Put sends in and decodes the answer into out, if there is one.
func (c *Client) Put(ctx context.Context, path string, in, out any) error {
	_, err := c.Do(ctx, Call{Method: http.MethodPut, Path: path, In: in, Out: out})
	return err
}

// Post sends in under an Idempotency-Key; an empty one is not sent, and then the call is never repeated.
func (c *Client) Post(ctx context.Context, path, key string, in, out any) error {
	_, err := c.Do(ctx, Call{Method: http.MethodPost, Path: path, In: in, Out: out, Key: key})
	return err
}

// Patch sends in and decodes the answer into out.
func (c *Client) Patch(ctx context.Context, path string, in, out any) error {
	_, err := c.Do(ctx, Call{Method: http.MethodPatch, Path: path, In: in, Out: out})
	return err
}

// pause waits as long as an answer asks for, a second if it says nothing.
func pause(ctx context.Context, a Answer) error {
	wait := time.Second
	if s, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil {
		wait = time.Duration(s) * time.Second
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}
