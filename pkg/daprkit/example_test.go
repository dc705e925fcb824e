package daprkit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
)

// A service offers its sidecar what it wants to hear. The sidecar calls these routes; here a request stands in for it.
func ExampleMount() {
	subs := daprkit.NewSubscriptions(daprkit.PubSub, quiet())
	subs.On("order", "order.placed.v1", func(_ context.Context, ev daprkit.Event) error {
		var placed struct{ Total int64 }
		if err := ev.Decode(&placed); err != nil {
			return err // malformed: dropped to the dead-letter topic
		}
		fmt.Println(ev.Subject, placed.Total)
		return nil
	})
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "cart", AppToken: "from APP_API_TOKEN", Subscriptions: subs})

	req := httptest.NewRequest(http.MethodPost, "/events/order/order.placed.v1",
		strings.NewReader(`{"id":"e1","type":"order.placed.v1","subject":"o1","data":{"sequence":1,"total":1999}}`))
	req.Header.Set("dapr-api-token", "from APP_API_TOKEN")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	fmt.Println(w.Body)
	// Output:
	// o1 1999
	// {"status":"SUCCESS"}
}

type greeter struct{ id string }

func (g greeter) Invoke(_ context.Context, method string, _ []byte) (any, error) {
	if method == "Greet" {
		return "hello from " + g.id, nil
	}
	return nil, daprkit.ErrUnknownMethod
}

func (greeter) Deactivate() {}

// An actor's refusals and results travel in an envelope with status 200; Client.Actor opens it.
func ExampleActors() {
	actors := daprkit.NewActors(daprkit.ActorOptions{Log: quiet()})
	actors.Register("greeter", func(id string) daprkit.Actor { return greeter{id} })
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "hello", AppToken: "from APP_API_TOKEN", Actors: actors})

	for _, method := range []string{"Greet", "Leave"} {
		req := httptest.NewRequest(http.MethodPut, "/actors/greeter/world/method/"+method, nil)
		req.Header.Set("dapr-api-token", "from APP_API_TOKEN")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 {"data":"hello from world"}
	// 200 {"kind":"internal","code":"unknown-method","message":"the actor has no such method"}
}

// The kind of an error says whether an event comes again.
func ExampleOutcomeOf() {
	fmt.Println(daprkit.OutcomeOf(nil))
	fmt.Println(daprkit.OutcomeOf(fault.New(fault.Invalid, "unknown-sku", "no such SKU")))
	fmt.Println(daprkit.OutcomeOf(context.DeadlineExceeded))
	// Output:
	// SUCCESS
	// DROP
	// RETRY
}
