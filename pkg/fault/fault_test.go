package fault_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

func kinds() (all []fault.Kind) {
	for k := fault.Internal; !strings.HasPrefix(k.String(), "kind("); k++ {
		all = append(all, k)
	}
	return all
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	if n := len(kinds()); n != int(fault.Timeout)+1 {
		t.Fatalf("%d names for %d kinds", n, fault.Timeout+1)
	}
	seen := map[string]bool{}
	for _, k := range kinds() {
		if back, ok := fault.ParseKind(k.String()); !ok || back != k || seen[k.String()] {
			t.Errorf("%s reads as %s, %v", k, back, ok)
		}
		seen[k.String()] = true
	}
	for _, unknown := range []string{"", "Internal", "kind(99)"} {
		if k, ok := fault.ParseKind(unknown); ok || k != fault.Internal {
			t.Errorf("%q reads as %s", unknown, k)
		}
	}
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		if want := k == fault.Unavailable || k == fault.RateLimited; k.Retryable() != want {
			t.Errorf("%s is retryable: %v", k, k.Retryable())
		}
	}
}

var errGone = fault.New(fault.Gone, "cart-completed", "the cart was bought")

func TestWithReturnsCopies(t *testing.T) {
	t.Parallel()
	cause := errors.New("row missing")
	base := errGone.With("a", 1).WithField("body.x", "is wrong", 7)
	before := fmt.Sprintf("%+v", *base)
	rich := base.With("b", 2).WithField("body.y", "is wrong", nil).WithMessage("cart %d was bought", 5).WithRetryAfter(time.Second).WithCause(cause)
	if after := fmt.Sprintf("%+v", *base); after != before {
		t.Errorf("changed from %s to %s", before, after)
	}
	// two copies of one fault must not share what they append to
	one, two := base.WithField("body.one", "", nil), base.WithField("body.two", "", nil)
	if one.Fields[1].Location != "body.one" || two.Fields[1].Location != "body.two" {
		t.Errorf("fields are shared: %v, %v", one.Fields, two.Fields)
	}
	if rich.Message != "cart 5 was bought" || rich.RetryAfter != time.Second || !reflect.DeepEqual(rich.Extra, map[string]any{"a": 1, "b": 2}) || len(rich.Fields) != 2 {
		t.Errorf("%+v", rich)
	}
	if errGone.Extra != nil || errGone.Fields != nil {
		t.Errorf("the sentinel changed: %+v", errGone)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	cause := errors.New("row missing")
	err := fmt.Errorf("load cart: %w", errGone.WithMessage("other words").With("a", 1).WithCause(cause))
	if !errors.Is(err, errGone) || !errors.Is(err, cause) {
		t.Errorf("%v is neither its sentinel nor its cause", err)
	}
	for _, other := range []error{fault.New(fault.Gone, "other", ""), fault.New(fault.Conflict, "cart-completed", ""), errors.New("cart-completed")} {
		if errors.Is(err, other) {
			t.Errorf("%v is %v", err, other)
		}
	}
	if got := err.Error(); got != "load cart: cart-completed: other words: row missing" {
		t.Errorf("text %q", got)
	}
	if fault.KindOf(err) != fault.Gone || fault.CodeOf(err) != "cart-completed" {
		t.Errorf("%s %s", fault.KindOf(err), fault.CodeOf(err))
	}
	if f, ok := fault.As(err); !ok || f.Message != "other words" {
		t.Errorf("%+v %v", f, ok)
	}
}

func TestPlainErrorsAreInternal(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("x"), fmt.Errorf("y: %w", errors.New("x"))} {
		if f, ok := fault.As(err); ok || fault.KindOf(err) != fault.Internal || fault.CodeOf(err) != "" {
			t.Errorf("%v: %+v", err, f)
		}
	}
}

func TestOuterFaultWins(t *testing.T) {
	t.Parallel()
	inner := fault.New(fault.NotFound, "sku-unknown", "no such SKU")
	outer := fault.New(fault.Invalid, "not-sellable", "cannot be sold").WithCause(inner)
	if fault.KindOf(fmt.Errorf("add: %w", outer)) != fault.Invalid || !errors.Is(outer, inner) {
		t.Errorf("%v", outer)
	}
}

func TestCollector(t *testing.T) {
	t.Parallel()
	var c fault.Collector
	c.Check(true, "body.a", "is wrong", 1)
	if err := c.Err(); err != nil {
		t.Errorf("nothing noted: %v", err)
	}
	c.Check(false, "body.a", "is wrong", 1)
	if f, ok := fault.As(c.Err()); !ok || f.Kind != fault.Invalid || f.Code != "validation-failed" || f.Message != "body.a: is wrong" {
		t.Errorf("one noted: %+v", f)
	}
	c.Add("body.b", "is missing", nil)
	f, ok := fault.As(c.Err())
	want := []fault.Field{{Location: "body.a", Message: "is wrong", Value: 1}, {Location: "body.b", Message: "is missing"}}
	if !ok || f.Message != "2 faults in the input" || !reflect.DeepEqual(f.Fields, want) {
		t.Errorf("two noted: %+v", f)
	}
}
