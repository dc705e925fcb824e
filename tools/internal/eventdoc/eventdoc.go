// Package eventdoc writes docs/events.md from the Go source: which events there are, what they carry, who takes them.
//
// It reads the contracts (services/*/*api): a constant Type<Name> is an event, the struct or alias <Name> its data. Who names the constant in
// a daprio package subscribes to it. Its test, run with -update, writes the page, and without it holds the page to the source.
package eventdoc

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

type contract struct {
	service string
	topic   string
	events  []event
	types   map[string]*ast.TypeSpec
	docs    map[string]string
}

type event struct{ constant, name string }

// Generate returns the page for the repository at root. It fails when an event has no data type.
func Generate(root string) ([]byte, error) {
	dirs, err := filepath.Glob(filepath.Join(root, "services", "*", "*api"))
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("# Events\n\nGenerated from the contracts by `go test ./internal/eventdoc -update` in tools; do not edit.\n\n" +
		"CloudEvents 1.0: `id` is the outbox row's, `subject` the aggregate's, `data.sequence` counts gapless per topic and subject. " +
		"Delivered at least once and in any order: consumers keep an inbox and ignore stale sequences. Changes are additive; a break is a V2 beside V1.\n")
	subscribers, err := subscribers(root)
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		c, err := read(dir)
		if err != nil {
			return nil, err
		}
		if len(c.events) == 0 {
			continue
		}
		if err := c.write(&b, subscribers); err != nil {
			return nil, err
		}
	}
	return []byte(b.String()), nil
}

// read parses the files of one contract.
func read(dir string) (*contract, error) {
	c := &contract{service: filepath.Base(filepath.Dir(dir)), types: map[string]*ast.TypeSpec{}, docs: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				c.declare(g)
			}
		}
	}
	return c, nil
}

func (c *contract) declare(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			c.types[s.Name.Name] = s
			doc := g.Doc
			if s.Doc != nil {
				doc = s.Doc
			}
			c.docs[s.Name.Name] = text(doc)
		case *ast.ValueSpec:
			for i, name := range s.Names {
				if i >= len(s.Values) {
					continue
				}
				value := literal(s.Values[i])
				switch {
				case name.Name == "Topic":
					c.topic = value
				case strings.HasPrefix(name.Name, "Type") && strings.Contains(value, ".v"):
					c.events = append(c.events, event{name.Name, value})
				}
			}
		}
	}
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		if s, err := strconv.Unquote(l.Value); err == nil {
			return s
		}
	}
	return ""
}

func text(g *ast.CommentGroup) string {
	return strings.Join(strings.Fields(g.Text()), " ")
}

func (c *contract) write(b *strings.Builder, subscribers map[string][]string) error {
	fmt.Fprintf(b, "\n## %s\n\nTopic `%s`.\n", c.service, c.topic)
	shown := map[string]bool{}
	for _, e := range c.events {
		name := strings.TrimPrefix(e.constant, "Type")
		spec, ok := c.types[name]
		if !ok {
			return fmt.Errorf("%s: the event %s has no data type %s", c.service, e.name, name)
		}
		if alias, ok := spec.Type.(*ast.Ident); ok && c.types[alias.Name] != nil {
			name, spec = alias.Name, c.types[alias.Name]
		}
		takers := "nobody yet"
		if who := subscribers[c.service+"api."+e.constant]; len(who) > 0 {
			takers = strings.Join(who, ", ")
		}
		fmt.Fprintf(b, "\n### %s\n\n%s\n\nTaken by: %s.\n", e.name, c.docs[name], takers)
		if shown[name] {
			fmt.Fprintf(b, "\nData: as above.\n")
			continue
		}
		shown[name] = true
		c.fields(b, spec)
	}
	return nil
}

func (c *contract) fields(b *strings.Builder, spec *ast.TypeSpec) {
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	b.WriteString("\n| member | type | |\n|---|---|---|\n")
	for _, f := range s.Fields.List {
		tag := ""
		if f.Tag != nil {
			if raw, err := strconv.Unquote(f.Tag.Value); err == nil {
				tag = reflect.StructTag(raw).Get("json")
			}
		}
		name, options, _ := strings.Cut(tag, ",")
		note := text(f.Comment) + text(f.Doc)
		if options == "omitempty" {
			note = strings.TrimSpace("optional. " + note)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, typeName(f.Type), strings.ReplaceAll(note, "|", "\\|"))
	}
}

// typeName writes a Go type as a reader of JSON thinks of it.
func typeName(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		switch t.Name {
		case "int", "int64", "int32":
			return "integer"
		case "bool":
			return "boolean"
		}
		return t.Name
	case *ast.StarExpr:
		return typeName(t.X) + " or null"
	case *ast.ArrayType:
		return "array of " + typeName(t.Elt)
	case *ast.MapType:
		return "object of " + typeName(t.Value)
	case *ast.SelectorExpr:
		switch t.Sel.Name {
		case "Time":
			return "time"
		case "Amount":
			return "money"
		case "RawMessage":
			return "JSON"
		}
		return t.Sel.Name
	}
	return "object"
}

// subscribers maps "orderapi.TypePlacedV1" to the services whose daprio packages name it.
func subscribers(root string) (map[string][]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "services", "*", "internal", "daprio", "*.go"))
	if err != nil {
		return nil, err
	}
	found := map[string]map[string]bool{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, 0)
		if err != nil {
			return nil, err
		}
		service := filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(path))))
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && strings.HasSuffix(pkg.Name, "api") && strings.HasPrefix(sel.Sel.Name, "Type") {
				key := pkg.Name + "." + sel.Sel.Name
				if found[key] == nil {
					found[key] = map[string]bool{}
				}
				found[key][service] = true
			}
			return true
		})
	}
	all := map[string][]string{}
	for key, who := range found {
		all[key] = slices.Sorted(maps.Keys(who))
	}
	return all, nil
}
