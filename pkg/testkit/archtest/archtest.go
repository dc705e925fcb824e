// Package archtest holds the tree to its layout: what may import what, that packages explain themselves, that tests wait for
// signals. It reads imports and syntax with go/parser and builds nothing, so it also judges code that does not compile yet.
//
// The rules:
//
//   - core: services/<name>/internal/<name> imports only the standard library, pkg/money and pkg/fault, and of the standard
//     library nothing that does I/O, knows a request or reads a clock of its own (context, net, os, database/sql, log);
//   - contract: services/a imports nothing of services/b but services/b/bapi;
//   - shared: pkg imports nothing of services;
//   - comment: every package has a package comment;
//   - wait: no test sleeps or skips itself. time.Sleep inside synctest.Test is allowed: the bubble's clock is not the wall's.
//
// Core is about what is built into a service: test files may import what they like, as long as the other rules allow it.
package archtest

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The names of the rules.
const (
	Core     = "core"
	Contract = "contract"
	Shared   = "shared"
	Comment  = "comment"
	Wait     = "wait"
)

// Violation is one place where a rule is broken.
type Violation struct {
	Rule    string
	File    string // relative to the root, with slashes
	Line    int
	Message string
}

// String returns "file:line: rule: message".
func (v Violation) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", v.File, v.Line, v.Rule, v.Message)
}

// Check reads all Go files below root, modules within included, and returns what breaks the rules, by file and line. module is the
// path of the module at root. Folders named testdata, vendor and node_modules, and hidden ones, are left out.
func Check(root, module string) ([]Violation, error) {
	c := checker{module: module, fset: token.NewFileSet(), packages: map[string]*pack{}}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && ignored(d.Name()):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return c.file(name, filepath.ToSlash(rel))
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", root, err)
	}
	c.comments()
	slices.SortFunc(c.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	return c.found, nil
}

func ignored(dir string) bool {
	return dir == "testdata" || dir == "vendor" || dir == "node_modules" || strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "_")
}

type checker struct {
	module   string
	fset     *token.FileSet
	packages map[string]*pack // by folder
	found    []Violation
}

// pack is what is known of a package when its files are read.
type pack struct {
	first     string // the file that is blamed
	commented bool
}

func (c *checker) add(rule, file string, pos token.Pos, format string, args ...any) {
	line := 1
	if pos.IsValid() {
		line = c.fset.Position(pos).Line
	}
	c.found = append(c.found, Violation{Rule: rule, File: file, Line: line, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) file(name, rel string) error {
	src, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody is at work here
	}
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(c.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	test := strings.HasSuffix(rel, "_test.go")
	for _, spec := range f.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		c.imports(rel, test, target, spec.Pos())
	}
	if test {
		c.waits(rel, f)
		return nil
	}
	dir := path.Dir(rel)
	p := c.packages[dir]
	if p == nil {
		p = &pack{first: rel}
		c.packages[dir] = p
	}
	p.commented = p.commented || (f.Doc != nil && strings.TrimSpace(f.Doc.Text()) != "")
	return nil
}

// imports judges one import of the file rel.
func (c *checker) imports(rel string, test bool, target string, pos token.Pos) {
	service, core := place(rel)
	own, ours := strings.CutPrefix(target, c.module+"/")
	if core && !test && !coreMay(own, ours, target) {
		c.add(Core, rel, pos, "a core must not import %s", target)
	}
	other, inService := strings.CutPrefix(own, "services/")
	if !ours || !inService {
		return
	}
	name, _, _ := strings.Cut(other, "/")
	switch {
	case strings.HasPrefix(rel, "pkg/"):
		c.add(Shared, rel, pos, "pkg must not know a service: %s", target)
	case service != "" && service != name && other != name+"/"+name+"api":
		c.add(Contract, rel, pos, "services/%s may import of services/%s only %sapi, not %s", service, name, name, target)
	}
}

// place says in which service a file is, and whether in its core.
func place(rel string) (service string, core bool) {
	parts := strings.Split(rel, "/")
	if len(parts) < 3 || parts[0] != "services" {
		return "", false
	}
	return parts[1], len(parts) == 5 && parts[2] == "internal" && parts[3] == parts[1]
}

// coreMay reports whether a core may import target.
func coreMay(own string, ours bool, target string) bool {
	if ours {
		return own == "pkg/money" || own == "pkg/fault"
	}
	first, _, _ := strings.Cut(target, "/")
	if strings.Contains(first, ".") {
		return false // not of the standard library
	}
	switch {
	case target == "net/url": // reads and writes addresses, and calls nobody
	case first == "context", first == "net", first == "os", first == "log", first == "database", first == "syscall", target == "C":
		return false
	}
	return true
}

func (c *checker) comments() {
	for dir, p := range c.packages {
		if !p.commented {
			c.add(Comment, p.first, token.NoPos, "package %s has no package comment", path.Base(dir))
		}
	}
}

// waits finds sleeping and skipping in a test file.
func (c *checker) waits(rel string, f *ast.File) {
	w := waitFinder{checker: c, rel: rel, packages: importNames(f)}
	ast.Walk(w, f)
}

// waitFinder visits one scope: it knows which parameters around it are a testing.T, B, F or TB. Others may be called t as well,
// as that of a property test, whose Skip only draws again.
type waitFinder struct {
	*checker
	rel      string
	packages map[string]string // import paths by local name
	testers  map[string]bool   // parameters in scope, the innermost of a name
}

func (w waitFinder) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return w.inner(n.Type)
	case *ast.FuncLit:
		return w.inner(n.Type)
	case *ast.CallExpr:
		return w.call(n)
	}
	return w
}

func (w waitFinder) inner(f *ast.FuncType) waitFinder {
	testers := maps.Clone(w.testers)
	if testers == nil {
		testers = map[string]bool{}
	}
	for _, field := range f.Params.List {
		for _, name := range field.Names {
			testers[name.Name] = w.isTester(field.Type)
		}
	}
	w.testers = testers
	return w
}

func (w waitFinder) isTester(typ ast.Expr) bool {
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	pkg, name, ok := selected(typ)
	return ok && w.packages[pkg] == "testing" && slices.Contains([]string{"T", "B", "F", "TB"}, name)
}

func (w waitFinder) call(n *ast.CallExpr) ast.Visitor {
	receiver, name, ok := selected(n.Fun)
	switch {
	case !ok:
	case w.packages[receiver] == "testing/synctest" && name == "Test":
		return nil
	case w.packages[receiver] == "time" && name == "Sleep":
		w.add(Wait, w.rel, n.Pos(), "a test waits for a signal, not for time")
	case w.testers[receiver] && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name):
		w.add(Wait, w.rel, n.Pos(), "a test that cannot run fails and says why")
	}
	return w
}

// selected splits x.Name.
func selected(e ast.Expr) (x, name string, ok bool) {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", "", false
	}
	id, ok := selector.X.(*ast.Ident)
	if !ok {
		return "", "", false
	}
	return id.Name, selector.Sel.Name, true
}

// importNames returns the imports of a file by the names that they have in it.
func importNames(f *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range f.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has checked it
		}
		name := path.Base(target)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = target
	}
	return names
}
