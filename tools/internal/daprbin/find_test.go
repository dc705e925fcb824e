package daprbin

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestVersionsAreReadAndJudged(t *testing.T) {
	t.Parallel()
	wanted := sources{runtime: "v1.18.1", cli: "v1.16.5"}
	for _, c := range []struct {
		out     string
		parse   func(string) (string, error)
		accepts func(string) bool
		version string // empty: none can be read
		fits    bool
	}{
		{"1.18.1\n", daprdVersion, wanted.acceptsRuntime, "v1.18.1", true},
		{"1.18.9\n", daprdVersion, wanted.acceptsRuntime, "v1.18.9", true},
		{"1.18.10\n", daprdVersion, wanted.acceptsRuntime, "v1.18.10", true},
		{"1.18.0\n", daprdVersion, wanted.acceptsRuntime, "v1.18.0", false},
		{"1.19.0\n", daprdVersion, wanted.acceptsRuntime, "v1.19.0", false},
		{"1.18.2-rc.1\n", daprdVersion, wanted.acceptsRuntime, "v1.18.2-rc.1", false},
		{"2.18.1\n", daprdVersion, wanted.acceptsRuntime, "v2.18.1", false},
		{"a warning\n1.18.1\r\n", daprdVersion, wanted.acceptsRuntime, "v1.18.1", true},
		{"edge\n", daprdVersion, wanted.acceptsRuntime, "", false},
		{"", daprdVersion, wanted.acceptsRuntime, "", false},
		{"CLI version: 1.16.5 \nRuntime version: n/a\n", cliVersion, wanted.acceptsCLI, "v1.16.5", true},
		{"CLI version: 1.18.0 \nRuntime version: 1.12.0\n", cliVersion, wanted.acceptsCLI, "v1.18.0", true},
		{"CLI version: 1.9.1 \nRuntime version: 1.18.1\n", cliVersion, wanted.acceptsCLI, "v1.9.1", false},
		{"CLI version: edge \nRuntime version: 1.18.1\n", cliVersion, wanted.acceptsCLI, "", false},
	} {
		version, err := c.parse(c.out)
		if version != c.version || (err == nil) != (c.version != "") {
			t.Errorf("%q is read as %q, %v; want %q", c.out, version, err, c.version)
		}
		if fits := c.accepts(version); fits != c.fits {
			t.Errorf("%q fits: %v, want %v", c.out, fits, c.fits)
		}
	}
}

func TestWhatOurDaprdRegistersIsAskedOfOthers(t *testing.T) {
	t.Parallel()
	component := regexp.MustCompile(`^github.com/dapr/components-contrib/(bindings|nameresolution)/`)
	var registered []string
	for _, source := range []string{"cmd/daprd/main.go", "internal/hosts/hosts.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "dapr", filepath.FromSlash(source)), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); component.MatchString(path) {
				registered = append(registered, path+".")
			}
		}
	}
	needed := slices.Sorted(slices.Values(neededPackages))
	slices.Sort(registered)
	if !slices.Equal(registered, needed) {
		t.Errorf("our daprd registers %q, an installed one must have %q", registered, needed)
	}
}

func TestTextIsFoundAcrossBlocks(t *testing.T) {
	t.Parallel()
	text := []byte("components/sqlite.")
	for _, before := range []int{0, 1, 1<<20 - 5, 1<<20 - len(text), 1 << 20, 3<<20 + 7} {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, append(make([]byte, before), text...), 0o644); err != nil {
			t.Fatal(err)
		}
		if ok, err := contains(path, text); !ok || err != nil {
			t.Errorf("after %d bytes: %v, %v", before, ok, err)
		}
		if ok, err := contains(path, []byte("components/sqlite/")); ok || err != nil {
			t.Errorf("found what is not there after %d bytes: %v", before, err)
		}
	}
}
