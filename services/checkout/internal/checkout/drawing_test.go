package checkout

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "draw the README's states anew")

// drawing is the table as a Mermaid state diagram.
func drawing() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> open\n")
	for _, name := range Events {
		t := table[name]
		for _, from := range t.from {
			to := t.to
			if to == "" {
				to = from
			}
			fmt.Fprintf(&b, "    %s --> %s: %s\n", from, to, name)
		}
	}
	b.WriteString("    completed --> [*]\n    expired --> [*]\n    cancelled --> [*]\n```\n")
	return b.String()
}

func TestDrawingIsFresh(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../README.md", "-update -->\n", "<!-- /drawing -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), begin)
	drawn, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("the README has no place for the drawing")
	}
	if drawn == drawing() {
		return
	}
	if !*update {
		t.Fatal("the README draws other states than the table: go test ./services/checkout/internal/checkout -update")
	}
	if err := os.WriteFile(file, []byte(head+begin+drawing()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
