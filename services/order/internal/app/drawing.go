package app

import (
	"fmt"
	"strings"

	"github.com/sidecart/sidecart/services/order/internal/order"
)

// Drawing draws a machine as a Mermaid state diagram: an arrow per transition with its event, guard and effect.
func Drawing(m *order.Machine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "stateDiagram-v2\n    [*] --> %s\n", order.New)
	for _, t := range m.Transitions() {
		label := string(t.Event)
		if t.Guard != "" {
			label += " [" + t.Guard + "]"
		}
		for _, e := range t.Effects {
			label += " / " + string(e.Kind)
			if e.Later > 0 {
				label += fmt.Sprintf(" in %d s", e.Later)
			}
		}
		for _, from := range t.From {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", from, t.Dest(from), label)
		}
	}
	for _, s := range m.States() {
		if s.Final {
			fmt.Fprintf(&b, "    %s --> [*]\n", s.Name)
		}
	}
	return b.String()
}
