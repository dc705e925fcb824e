package httpx_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
)

func TestEveryKindHasItsStatus(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.Malformed: 400, fault.Invalid: 422, fault.Unauthenticated: 401, fault.Forbidden: 403,
		fault.PaymentRequired: 402, fault.NotFound: 404, fault.Conflict: 409, fault.Gone: 410, fault.Precondition: 412,
		fault.TooLarge: 413, fault.UnsupportedMedia: 415, fault.RateLimited: 429, fault.Unavailable: 503, fault.Timeout: 504,
	}
	for k := fault.Internal; !strings.HasPrefix(k.String(), "kind("); k++ {
		a := call(t, fails(httpx.New(httpx.Config{}), fmt.Errorf("op: %w", fault.New(k, "some-code", "words"))), "GET", "/fail", "")
		a.want(t, want[k], "some-code")
		if httpx.KindOf(want[k]) != k || httpx.Status(k) != want[k] {
			t.Errorf("%s: status %d, back %s", k, httpx.Status(k), httpx.KindOf(want[k]))
		}
		delete(want, k)
	}
	if len(want) != 0 {
		t.Errorf("kinds that are gone: %v", want)
	}
	for status, k := range map[int]fault.Kind{405: fault.Malformed, 418: fault.Malformed, 502: fault.Timeout, 501: fault.Internal, 200: fault.Internal} {
		if httpx.KindOf(status) != k {
			t.Errorf("%d is %s", status, httpx.KindOf(status))
		}
	}
	if httpx.Status(fault.Kind(99)) != 500 {
		t.Error("a kind that is not there")
	}
}

func TestLongValuesAreNotRepeated(t *testing.T) {
	t.Parallel()
	p := httpx.Problem(fault.New(fault.Invalid, "validation-failed", "no").WithField("body.a", "is long", strings.Repeat("x", 101)).WithField("body.b", "is not", "x"))
	if p.Errors[0].Value != nil || p.Errors[1].Value != "x" {
		t.Errorf("%+v", p.Errors)
	}
}

// Messages are for people to read: a comparison is no escape, and a bound has all its digits.
func TestMessagesAreReadable(t *testing.T) {
	t.Parallel()
	err := fault.New(fault.Conflict, "no", "a < b & c > d").With("x<y", "<&>").WithField("body.a", "is > 1", "<b>")
	raw := httpx.New(httpx.Config{})
	raw.Router().Get("/raw", func(w http.ResponseWriter, r *http.Request) { httpx.WriteProblem(w, r, err) })
	for name, body := range map[string]string{
		"from a handler":  call(t, fails(httpx.New(httpx.Config{}), err), "GET", "/fail", "").Body.String(),
		"past huma":       call(t, raw, "GET", "/raw", "").Body.String(),
		"a bound":         call(t, shop(httpx.Config{}), "POST", "/v1/carts/c/lines", `{"lines":[{"sku":"A","quantity":0}]}`).Body.String(),
		"the exact bound": call(t, shop(httpx.Config{}), "POST", "/v1/carts/c/lines", `{"lines":[{"sku":"A","quantity":1e300}]}`).Body.String(),
	} {
		want := map[string]string{"a bound": "expected number >= 1", "the exact bound": "expected number <= 9007199254740991"}[name]
		if strings.Contains(body, `\u00`) || want != "" && !strings.Contains(body, want) || want == "" && !(strings.Contains(body, `"x<y":"<&>"`) && strings.Contains(body, "a < b & c > d")) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestFaultCrossesServices(t *testing.T) {
	t.Parallel()
	sent := fault.New(fault.Conflict, "out-of-stock", "two lines are gone").
		With("lines", []map[string]any{{"sku": "A-1", "requested": 3, "available": 1}}).
		With("big", int64(9007199254740993)).
		With("title", "cannot replace the title").
		WithField("body.quantity", "is too much", 3).
		WithField("body.sku", "is unknown", "A-1").
		WithRetryAfter(1500 * time.Millisecond).
		WithCause(errors.New("secret"))
	a := call(t, fails(httpx.New(httpx.Config{}), sent), "GET", "/fail", "")
	a.want(t, 409, "out-of-stock")
	if a.Header().Get("Retry-After") != "2" || a.problem.Title != "Out of stock" || strings.Contains(a.Body.String(), "secret") {
		t.Errorf("%v %s", a.Header(), a.Body)
	}
	got := httpx.ParseProblem(a.Code, a.Body.Bytes())
	if got.Kind != sent.Kind || got.Code != sent.Code || got.Message != sent.Message || got.RetryAfter != sent.RetryAfter || !errors.Is(got, sent) {
		t.Errorf("crossed as %+v", got)
	}
	type line struct {
		SKU                  string
		Requested, Available int
	}
	if lines, ok := httpx.Member[[]line](got, "lines"); !ok || !reflect.DeepEqual(lines, []line{{"A-1", 3, 1}}) {
		t.Errorf("lines %v %v", lines, ok)
	}
	if n, ok := httpx.Member[int64](got, "big"); !ok || n != 9007199254740993 {
		t.Errorf("big %v %v", n, ok)
	}
	if _, ok := httpx.Member[int](got, "lines"); ok {
		t.Error("lines as a number")
	}
	if _, ok := httpx.Member[int](got, "none"); ok {
		t.Error("a member that is not there")
	}
	// a second crossing changes nothing
	again := call(t, fails(httpx.New(httpx.Config{}), got), "GET", "/fail", "")
	if twice := httpx.ParseProblem(again.Code, again.Body.Bytes()); !reflect.DeepEqual(twice, got) {
		t.Errorf("second crossing %+v, first %+v", twice, got)
	}
}

func TestParseProblemOfStrangers(t *testing.T) {
	t.Parallel()
	for body, status := range map[string]int{
		`{"errorCode":"ERR_DIRECT_INVOKE","message":"dial tcp 10.0.0.1"}`: 500,
		`<html>`:                              502,
		``:                                    503,
		`{"type":"about:blank","detail":"x"}`: 404,
		`{"type":"https://sidecart.dev/problems/","detail":"x"}`: 409,
		`null`:                    400,
		`{"type":7}`:              422,
		`[{"type":"x"}]`:          429,
		`{"errors":"not a list"}`: 504,
	} {
		f := httpx.ParseProblem(status, []byte(body))
		if f.Code != "upstream-error" || f.Kind != httpx.KindOf(status) || strings.Contains(f.Error(), "dial") {
			t.Errorf("%d %s: %+v", status, body, f)
		}
	}
}
