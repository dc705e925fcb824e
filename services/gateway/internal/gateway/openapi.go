package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Document is the OpenAPI 3.1 document of one service.
type Document struct {
	App  string
	Data []byte
}

// Info heads the merged document.
type Info struct {
	Title, Version, Description string
	Missing                     []string // services whose document could not be had
}

const schemaRef = "#/components/schemas/"

var methods = []string{"get", "head", "post", "put", "patch", "delete"}

// service is the document of one service, taken apart.
type service struct {
	app     string
	paths   map[string]any
	schemas map[string]any
	schemes map[string]any // security schemes
}

// Merge makes one document of those that the table routes to: operations of other addresses are left out, and schemas that
// nothing refers to then. Schemas of one name and content are shared; of one name and another content, each gets its
// service's name in front, and so do operation ids that stand twice. Whoever is asked with a bearer token may be asked
// with an API key instead. The result depends on the documents only, not on their order.
func Merge(info Info, table *Table, docs []Document) ([]byte, error) {
	services := make([]*service, 0, len(docs))
	for _, d := range docs {
		s, err := take(d, table)
		if err != nil {
			return nil, err
		}
		services = append(services, s)
	}
	slices.SortFunc(services, func(a, b *service) int { return strings.Compare(a.app, b.app) })
	clashing := clashes(services)
	ids := operationIDs(services)
	paths, schemas, schemes := map[string]any{}, map[string]any{}, map[string]any{
		"apiKey": map[string]any{"type": "apiKey", "in": "header", "name": "X-Api-Key"},
	}
	for _, s := range services {
		s.prefix(clashing, ids)
		for path, item := range s.paths {
			into, ok := paths[path].(map[string]any)
			if !ok {
				paths[path] = item
				continue
			}
			maps.Copy(into, item.(map[string]any)) // the table gives each operation to one service
		}
		maps.Copy(schemas, s.schemas)
		maps.Copy(schemes, s.schemes)
	}
	head := map[string]any{"title": info.Title, "version": info.Version, "description": info.Description}
	out := map[string]any{
		"openapi": "3.1.0", "info": head, "paths": paths, "servers": []any{map[string]any{"url": "/"}},
		"components": map[string]any{"schemas": schemas, "securitySchemes": schemes},
	}
	if len(info.Missing) > 0 {
		out["x-sidecart-missing"] = info.Missing
	}
	return json.Marshal(out)
}

// take reads a document and keeps what is public of it.
func take(d Document, table *Table) (*service, error) {
	var doc struct {
		OpenAPI    string                    `json:"openapi"`
		Paths      map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas         map[string]any `json:"schemas"`
			SecuritySchemes map[string]any `json:"securitySchemes"`
		} `json:"components"`
	}
	decoder := json.NewDecoder(bytes.NewReader(d.Data))
	decoder.UseNumber() // bounds of integers are not to be bent
	if err := decoder.Decode(&doc); err != nil {
		return nil, fmt.Errorf("OpenAPI document of %s: %w", d.App, err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		return nil, fmt.Errorf("OpenAPI document of %s has version %.20q", d.App, doc.OpenAPI)
	}
	s := &service{app: d.App, paths: map[string]any{}, schemas: map[string]any{}, schemes: doc.Components.SecuritySchemes}
	for path, item := range doc.Paths {
		if kept := public(d.App, path, item, table); kept != nil {
			s.paths[path] = kept
		}
	}
	s.reach(s.paths, doc.Components.Schemas)
	return s, nil
}

// public returns the operations of a path that are routed to the service, or nil.
func public(app, path string, item map[string]any, table *Table) map[string]any {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	kept, found := map[string]any{}, false
	for key, value := range item {
		if slices.Contains(methods, key) {
			r := table.Match(strings.ToUpper(key), segments)
			if r == nil || r.App != app {
				continue
			}
			found = true
			if op, ok := value.(map[string]any); ok {
				allowKeys(op)
			}
		}
		kept[key] = value
	}
	if !found {
		return nil
	}
	return kept
}

// allowKeys names the API key as the other way to say who calls.
func allowKeys(op map[string]any) {
	security, _ := op["security"].([]any)
	for _, s := range slices.Clone(security) {
		if m, ok := s.(map[string]any); ok && m["bearer"] != nil {
			security = append(security, map[string]any{"apiKey": m["bearer"]})
		}
	}
	if len(security) > 0 {
		op["security"] = security
	}
}

// reach keeps the schemas that v refers to, and those that they refer to.
func (s *service) reach(v any, all map[string]any) {
	refs(v, func(name string) string {
		if schema, ok := all[name]; ok && s.schemas[name] == nil {
			s.schemas[name] = schema
			s.reach(schema, all)
		}
		return name
	})
}

// refs hands the name of each schema that v refers to to rename, and puts its answer in the name's place.
func refs(v any, rename func(string) string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if ref, ok := value.(string); ok && key == "$ref" {
				if name, ok := strings.CutPrefix(ref, schemaRef); ok {
					v[key] = schemaRef + rename(name)
				}
				continue
			}
			refs(value, rename)
		}
	case []any:
		for _, value := range v {
			refs(value, rename)
		}
	}
}

// clashes returns the names that do not mean the same everywhere: their content differs, or refers to such a name.
func clashes(services []*service) map[string]bool {
	clashing := map[string]bool{}
	for grown := true; grown; {
		grown = false
		seen := map[string]any{}
		for _, s := range services {
			for name, schema := range s.schemas {
				other, twice := seen[name]
				seen[name] = schema
				if twice && !clashing[name] && (!reflect.DeepEqual(other, schema) || refersTo(schema, clashing)) {
					clashing[name], grown = true, true
				}
			}
		}
	}
	return clashing
}

func refersTo(v any, names map[string]bool) (found bool) {
	refs(v, func(name string) string {
		found = found || names[name]
		return name
	})
	return found
}

// operationIDs counts the ids of all operations.
func operationIDs(services []*service) map[string]int {
	count := map[string]int{}
	for _, s := range services {
		s.operations(func(op map[string]any) {
			id, _ := op["operationId"].(string)
			count[id]++
		})
	}
	return count
}

func (s *service) operations(do func(op map[string]any)) {
	for _, item := range s.paths {
		for _, method := range methods {
			if op, ok := item.(map[string]any)[method].(map[string]any); ok {
				do(op)
			}
		}
	}
}

// prefix puts the service's name before what is not unique.
func (s *service) prefix(clashing map[string]bool, ids map[string]int) {
	rename := func(name string) string {
		if clashing[name] {
			return strings.ToUpper(s.app[:1]) + s.app[1:] + "_" + name // no type of ours is named so
		}
		return name
	}
	refs(s.paths, rename)
	schemas := make(map[string]any, len(s.schemas))
	for name, schema := range s.schemas {
		refs(schema, rename)
		schemas[rename(name)] = schema
	}
	s.schemas = schemas
	s.operations(func(op map[string]any) {
		if id, _ := op["operationId"].(string); id != "" && ids[id] > 1 {
			op["operationId"] = s.app + "_" + id
		}
	})
}
