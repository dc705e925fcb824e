package browser

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/chromedp/chromedp"
)

// axe.min.js is axe-core 4.14.1 of Deque Systems (MPL-2.0, its notice is in the file). It is kept here and not fetched, so that the tests need a browser
// and nothing of npm, and say the same on every machine.
//
//go:embed axe.min.js
var axe string

// Audit is what axe finds against WCAG 2.2 A and AA on the page as it is.
func (tab *Tab) Audit() (findings []string) {
	tab.Helper()
	if !Eval[bool](tab, `"axe" in window`) {
		if err := chromedp.Do(tab.ctx, chromedp.Evaluate[chromedp.Void](axe)); err != nil {
			tab.Fatal(err)
		}
	}
	raw := Eval[string](tab, `axe.run(document, {resultTypes: ["violations"], runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}})
		.then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 200) + " " + n.failureSummary.slice(0, 300))}))))`)
	var all []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		tab.Fatal(err)
	}
	for _, v := range all {
		findings = append(findings, fmt.Sprintf("%s (%s) at %d places: %s", v.ID, v.Help, len(v.Nodes), v.Nodes[0]))
	}
	return findings
}

// Sideways is by how many pixels the page is wider than the window, and what sticks out.
func (tab *Tab) Sideways() string {
	tab.Helper()
	return Eval[string](tab, `(() => {
		const over = document.documentElement.scrollWidth - innerWidth;
		if (over <= 0) return "";
		const out = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + e.className);
		return over + " pixels: " + out.slice(0, 5).join(", ");
	})()`)
}

// Paint is how a page came: what moved (the sum of layout shifts), and after how many milliseconds its largest part was seen.
type Paint struct{ Shift, Largest float64 }

// Painted looks at how the page came.
func (tab *Tab) Painted() Paint {
	tab.Helper()
	tab.Await("the largest part of the page", `document.readyState === "complete" && window.painted.largest > 0`)
	return Eval[Paint](tab, `({Shift: painted.shift, Largest: painted.largest})`)
}
