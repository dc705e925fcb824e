package gateway_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

const cartDoc = `{"openapi":"3.1.0","info":{"title":"Cart","version":"1"},"components":{
	"schemas":{
		"Line":{"type":"object","properties":{"sku":{"type":"string"},"next":{"$ref":"#/components/schemas/Line"}}},
		"View":{"type":"object","properties":{"lines":{"type":"array","items":{"$ref":"#/components/schemas/Line"}}}},
		"Amount":{"type":"object","properties":{"amount":{"type":"integer","maximum":9007199254740991}}},
		"Secret":{"type":"object"}},
	"securitySchemes":{"bearer":{"type":"http","scheme":"bearer"}}},
	"paths":{
		"/v1/carts/{id}":{"get":{"operationId":"get","responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/View"}}}}}}},
		"/v1/carts":{"post":{"operationId":"create-cart","responses":{"201":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Amount"}}}}}}},
		"/v1/orders/{id}":{"get":{"operationId":"stolen","responses":{}}},
		"/v1/internal/carts/{id}":{"get":{"operationId":"inner","responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Secret"}}}}}}}}}`

const orderDoc = `{"openapi":"3.1.0","info":{"title":"Order","version":"1"},"components":{
	"schemas":{
		"Line":{"type":"object","properties":{"title":{"type":"string"}}},
		"View":{"type":"object","properties":{"lines":{"type":"array","items":{"$ref":"#/components/schemas/Line"}}}},
		"Amount":{"type":"object","properties":{"amount":{"type":"integer","maximum":9007199254740991}}}}},
	"paths":{
		"/v1/admin/orders/{id}":{"get":{"operationId":"get","security":[{"bearer":["order:read"]}],"responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/View"}}}}}}},
		"/v1/orders":{"get":{"operationId":"list-orders","responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Amount"}}}}}}}}}`

type document struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string                `json:"operationId"`
		Security    []map[string][]string `json:"security"`
	} `json:"paths"`
	Components struct {
		Schemas         map[string]any `json:"schemas"`
		SecuritySchemes map[string]any `json:"securitySchemes"`
	} `json:"components"`
	Missing []string `json:"x-sidecart-missing"`
}

func merge(t *testing.T, docs ...gateway.Document) (document, string) {
	t.Helper()
	data, err := gateway.Merge(gateway.Info{Title: "Shop", Version: "1"}, gateway.NewTable(gateway.Routes()), docs)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(data)
}

func TestMerge(t *testing.T) {
	t.Parallel()
	cart, order := gateway.Document{App: "cart", Data: []byte(cartDoc)}, gateway.Document{App: "order", Data: []byte(orderDoc)}
	d, text := merge(t, cart, order)
	if _, other := merge(t, order, cart); other != text {
		t.Error("the order of the documents shows")
	}
	if d.OpenAPI != "3.1.0" || len(d.Paths) != 4 {
		t.Errorf("paths %v", d.Paths)
	}
	got := []string{d.Paths["/v1/carts/{id}"]["get"].OperationID, d.Paths["/v1/carts"]["post"].OperationID,
		d.Paths["/v1/admin/orders/{id}"]["get"].OperationID, d.Paths["/v1/orders"]["get"].OperationID}
	if !slices.Equal(got, []string{"cart_get", "create-cart", "order_get", "list-orders"}) {
		t.Errorf("operation ids %v", got)
	}
	for _, name := range []string{"Cart_Line", "Cart_View", "Order_Line", "Order_View", "Amount"} {
		if d.Components.Schemas[name] == nil {
			t.Errorf("no schema %s", name)
		}
	}
	if len(d.Components.Schemas) != 5 {
		t.Errorf("schemas %v", d.Components.Schemas)
	}
	if s := d.Paths["/v1/admin/orders/{id}"]["get"].Security; len(s) != 2 || !slices.Equal(s[1]["apiKey"], []string{"order:read"}) {
		t.Errorf("security %v", s)
	}
	for _, want := range []string{"9007199254740991", `"#/components/schemas/Cart_Line"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	alone, _ := merge(t, cart)
	if alone.Components.Schemas["Line"] == nil || alone.Paths["/v1/carts/{id}"]["get"].OperationID != "get" {
		t.Errorf("alone: %v", alone.Components.Schemas)
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "nope", `{"openapi":"3.0.3"}`, `{"openapi":"3.1.0","paths":[]}`, "<html>"} {
		if _, err := gateway.Merge(gateway.Info{}, gateway.NewTable(gateway.Routes()), []gateway.Document{{App: "cart", Data: []byte(data)}}); err == nil {
			t.Errorf("%q is taken", data)
		}
	}
}
