package daprkit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
)

// fakeActors is the sidecar's actor API: one answer, and what it was asked.
type fakeActors struct {
	status int
	reply  string
	asked  *http.Request
	body   string
}

func (f *fakeActors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	f.asked, f.body = r.Clone(context.Background()), string(b)
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, f.reply)
}

func TestActorCall(t *testing.T) {
	t.Parallel()
	type out struct{ N int }
	call := func(t *testing.T, f *fakeActors) (out, error) {
		var o out
		err := sidecar(t, f, nil).Actor(soon(t), "sku", "A-1", "Hold", map[string]int{"n": 1}, &o)
		return o, err
	}
	t.Run("result", func(t *testing.T) {
		t.Parallel()
		f := &fakeActors{status: 200, reply: `{"data":{"N":3}}`}
		o, err := call(t, f)
		if err != nil || o.N != 3 || f.asked.Method != http.MethodPut || f.asked.URL.Path != "/v1.0/actors/sku/A-1/method/Hold" ||
			f.body != `{"n":1}` || f.asked.Header.Get("dapr-api-token") != apiToken {
			t.Errorf("%v %v %v %s", o, err, f.asked, f.body)
		}
	})
	for name, tc := range map[string]struct {
		status int
		reply  string
		want   fault.Kind
	}{
		"refusal":                     {200, `{"kind":"conflict","code":"out-of-stock","message":"2 left"}`, fault.Conflict},
		"a kind of tomorrow":          {200, `{"kind":"brand-new","code":"x","message":"y"}`, fault.Internal},
		"no envelope":                 {200, `<html>`, fault.Timeout},
		"empty":                       {200, ``, fault.Timeout},
		"no host":                     {400, `{"errorCode":"ERR_ACTOR_NO_ADDRESS","message":"did not find address for actor"}`, fault.Timeout},
		"the app refuses connections": {500, `{"errorCode":"ERR_ACTOR_INVOKE_METHOD","message":"dial tcp: connection refused"}`, fault.Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := call(t, &fakeActors{status: tc.status, reply: tc.reply}); err == nil || fault.KindOf(err) != tc.want {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
	t.Run("own sidecar away", func(t *testing.T) {
		t.Parallel()
		if err := sidecar(t, nil, nil).Actor(soon(t), "sku", "A", "Hold", nil, nil); fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
	})
	t.Run("bad ids never leave", func(t *testing.T) {
		t.Parallel()
		f := &fakeActors{status: 200, reply: `{}`}
		c := sidecar(t, f, nil)
		for _, id := range []string{"", "a/b", "a#b", ".", "..", "a b", "a%2fb", "ä", strings.Repeat("x", 201)} {
			if err := c.Actor(soon(t), "sku", id, "Hold", nil, nil); fault.KindOf(err) != fault.NotFound {
				t.Errorf("%q: %v", id, err)
			}
		}
		if f.asked != nil {
			t.Error("sent")
		}
	})
	t.Run("every SKU is an id", func(t *testing.T) {
		t.Parallel()
		c := sidecar(t, &fakeActors{status: 200, reply: `{}`}, nil)
		for _, id := range []string{"A", "-a", ".5", "_x", "...", strings.Repeat("Z", 64)} {
			if err := c.Actor(soon(t), "sku", id, "Hold", nil, nil); err != nil {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
	t.Run("no deadline", func(t *testing.T) {
		t.Parallel()
		if err := sidecar(t, nil, nil).Actor(context.Background(), "sku", "A", "Hold", nil, nil); err == nil || fault.KindOf(err) != fault.Internal {
			t.Error(err)
		}
	})
}
