package eventdoc

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/events.md anew")

// TestPageIsFresh holds docs/events.md to the contracts.
func TestPageIsFresh(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	want, err := Generate(root)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "docs", "events.md")
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != string(want) {
		t.Errorf("docs/events.md is not what the contracts say (%v): run `go test ./internal/eventdoc -update` in tools", err)
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("services/shelf/shelfapi/shelfapi.go", `package shelfapi
const Topic = "shelf"
const (
	TypeFilledV1 = "shelf.filled.v1"
	TypeEmptiedV1 = "shelf.emptied.v1"
)
// FilledV1 tells that a shelf was filled.
type FilledV1 struct {
	Sequence int64 `+"`json:\"sequence\"`"+`
	Books []string `+"`json:\"books,omitempty\"`"+` // by title
	At *time.Time `+"`json:\"at\"`"+`
}
// EmptiedV1 is alike.
type EmptiedV1 = FilledV1
`)
	write("services/reader/internal/daprio/events.go", "package daprio\nvar _ = shelfapi.TypeFilledV1\n")
	page, err := Generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"### shelf.filled.v1", "FilledV1 tells that a shelf was filled.", "Taken by: reader.", "Taken by: nobody yet.",
		"| `sequence` | integer |  |", "| `books` | array of string | optional. by title |", "| `at` | time or null |  |", "Data: as above."} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
	write("services/shelf/shelfapi/more.go", "package shelfapi\nconst TypeBurntV1 = \"shelf.burnt.v1\"\n")
	if _, err := Generate(root); err == nil || !strings.Contains(err.Error(), "BurntV1") {
		t.Errorf("an event without data was taken: %v", err)
	}
}
