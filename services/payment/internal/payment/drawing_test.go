package payment

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// drawing is the table of changes as a Mermaid diagram. What changes no status is left out.
func drawing() string {
	lines := []string{"stateDiagram-v2", "    [*] --> authorising: authorise_requested"}
	for _, typ := range slices.Sorted(maps.Keys(changes)) {
		c := changes[typ]
		for _, from := range c.from {
			if from != "" && c.to != "" {
				lines = append(lines, fmt.Sprintf("    %s --> %s: %s", from, c.to, typ))
			}
		}
	}
	return strings.Join(append(lines, "    captured --> refunded: refunded, when all of it",
		"    authorised --> partially_captured: captured, when more follows", "    captured --> settlement_declined: settlement_declined, when nothing else is left"), "\n")
}

func TestTheReadmeDrawsTheTable(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "```mermaid\n" + drawing() + "\n```"; !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not hold this:\n%s", want)
	}
}
