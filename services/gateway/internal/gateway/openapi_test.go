package gateway_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

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

// Whatever the services' schemas are called: each operation still means the same after the merge, and nothing dangles.
func TestMergeLaw(t *testing.T) {
	t.Parallel()
	names := []string{"A", "B", "C"}
	table := gateway.NewTable(gateway.Routes())
	rapid.Check(t, func(t *rapid.T) {
		sources, docs := map[string]map[string]any{}, []gateway.Document{}
		for app, path := range map[string]string{"cart": "/v1/carts", "order": "/v1/orders", "catalog": "/v1/categories"} {
			schemas := map[string]any{}
			for _, name := range names {
				target := rapid.SampledFrom(append(names, "string", "integer")).Draw(t, app+name)
				property := map[string]any{"type": target}
				if slices.Contains(names, target) {
					property = map[string]any{"$ref": "#/components/schemas/" + target}
				}
				schemas[name] = map[string]any{"type": "object", "properties": map[string]any{"x": property}}
			}
			op := map[string]any{"operationId": rapid.SampledFrom([]string{"get", app}).Draw(t, app), "schema": map[string]any{"$ref": "#/components/schemas/A"}}
			source := map[string]any{"openapi": "3.1.0", "paths": map[string]any{path: map[string]any{"get": op}}, "components": map[string]any{"schemas": schemas}}
			data, err := json.Marshal(source)
			if err != nil {
				t.Fatal(err)
			}
			sources[path], docs = source, append(docs, gateway.Document{App: app, Data: data})
		}
		data, err := gateway.Merge(gateway.Info{}, table, docs)
		if err != nil {
			t.Fatal(err)
		}
		var merged map[string]any
		if err := json.Unmarshal(data, &merged); err != nil {
			t.Fatal(err)
		}
		ids := map[any]bool{}
		for path, source := range sources {
			ids[operation(merged, path)["operationId"]] = true
			got, want := expand(merged, operation(merged, path)["schema"], 6), expand(source, operation(source, path)["schema"], 6)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %v, want %v\n%s", path, got, want, data)
			}
		}
		if len(ids) != len(sources) {
			t.Fatalf("operation ids %v", ids)
		}
	})
}

func operation(doc map[string]any, path string) map[string]any {
	return doc["paths"].(map[string]any)[path].(map[string]any)["get"].(map[string]any)
}

// expand puts schemas in the place of references, so many levels deep; a dangling one becomes nil.
func expand(doc map[string]any, v any, depth int) any {
	m, ok := v.(map[string]any)
	if !ok || depth == 0 {
		if ok {
			return "deeper"
		}
		return v
	}
	if ref, ok := m["$ref"].(string); ok {
		return expand(doc, doc["components"].(map[string]any)["schemas"].(map[string]any)[strings.TrimPrefix(ref, "#/components/schemas/")], depth)
	}
	out := map[string]any{}
	for key, value := range m {
		out[key] = expand(doc, value, depth-1)
	}
	return out
}
