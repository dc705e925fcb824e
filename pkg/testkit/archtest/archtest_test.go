package archtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit/archtest"
)

const module = "github.com/sidecart/sidecart"

// The tree that this file belongs to.
func TestRepository(t *testing.T) {
	t.Parallel()
	violations, err := archtest.Check(root(t), module)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module "+module+"\n") {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod of " + module + " above")
		}
		dir = filepath.Dir(dir)
	}
}

func check(t *testing.T, tree string) []string {
	t.Helper()
	violations, err := archtest.Check(filepath.Join("testdata", tree), "example.com/shop")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, v := range violations {
		got = append(got, fmt.Sprintf("%s:%d: %s", v.File, v.Line, v.Rule))
	}
	return got
}

func TestGoodTree(t *testing.T) {
	t.Parallel()
	if got := check(t, "good"); len(got) > 0 {
		t.Error(got)
	}
}

func TestBadTree(t *testing.T) {
	t.Parallel()
	got := check(t, "bad")
	want := []string{
		"pkg/run/run.go:1: comment",
		"pkg/run/run.go:3: shared",
		"services/a/internal/a/a.go:5: core",
		"services/a/internal/a/a.go:6: core",
		"services/a/internal/a/a.go:7: core",
		"services/a/internal/a/a.go:8: core",
		"services/a/internal/a/a.go:9: core",
		"services/a/internal/a/a.go:11: core",
		"services/a/internal/a/a.go:12: core",
		"services/a/internal/a/a.go:13: core",
		"services/a/internal/a/a.go:14: core",
		"services/a/internal/app/app.go:5: contract",
		"services/a/internal/app/app.go:6: contract",
		"services/a/internal/app/app.go:7: contract",
		"services/a/internal/app/app.go:8: contract",
		"services/a/internal/app/app_test.go:7: contract",
		"services/a/internal/app/app_test.go:11: wait",
		"services/a/internal/app/app_test.go:12: wait",
		"services/a/internal/app/app_test.go:15: wait",
		"services/a/internal/app/app_test.go:17: wait",
		"tools/main.go:1: comment",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSourceThatIsNotGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a/testdata/x.go", ".hidden/x.go", "_old/x.go", "a/node_modules/b/x.go", "x.txt"} {
		write(t, filepath.Join(dir, name), "not Go")
	}
	if violations, err := archtest.Check(dir, "example.com/shop"); err != nil || len(violations) > 0 {
		t.Errorf("%v %v, want such folders left out", violations, err)
	}
	write(t, filepath.Join(dir, "a/x.go"), "not Go")
	if _, err := archtest.Check(dir, "example.com/shop"); err == nil {
		t.Error("a file that is not Go passed")
	}
	if _, err := archtest.Check(filepath.Join(dir, "absent"), "example.com/shop"); err == nil {
		t.Error("a tree that is not there passed")
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func ExampleCheck() {
	violations, err := archtest.Check(filepath.Join("testdata", "bad"), "example.com/shop")
	fmt.Println(violations[1], err)
	// Output: pkg/run/run.go:3: shared: pkg must not know a service: example.com/shop/services/a/aapi <nil>
}
