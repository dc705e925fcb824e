package alerts

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../../../"

// code is all Go of the services and of pkg, without tests.
func code(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range []string{"services", "pkg"} {
		err := filepath.WalkDir(root+dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			b.Write(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestRulesAndCodeAndRunbooksAgree(t *testing.T) {
	t.Parallel()
	rules, err := Read(root + "deploy/observability/alerts.yaml")
	if err != nil || len(rules) == 0 {
		t.Fatalf("%d rules, %v", len(rules), err)
	}
	all := code(t)
	var asked, pages []string
	for _, r := range rules {
		metrics, values := r.Asks()
		if len(metrics) == 0 || r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
			t.Errorf("%s asks for nothing, or says too little", r.Alert)
		}
		var understood []string
		for _, c := range r.Conditions() { // doctor reads the rules too
			understood = append(understood, c.Metric)
			if c.Counts != strings.HasSuffix(c.Metric, "_total") || c.Label != "" && len(c.Values) == 0 {
				t.Errorf("%s is understood as %+v", r.Alert, c)
			}
		}
		slices.Sort(understood)
		if understood = slices.Compact(understood); !slices.Equal(understood, metrics) {
			t.Errorf("%s asks for %v, understood are %v", r.Alert, metrics, understood)
		}
		for _, m := range metrics {
			if !strings.Contains(all, `"`+m+`"`) {
				t.Errorf("%s: no service has the metric %s", r.Alert, m)
			}
		}
		for _, v := range values {
			if !strings.Contains(all, `"`+v+`"`) {
				t.Errorf("%s: nothing is ever %q", r.Alert, v)
			}
		}
		asked = append(asked, values...)
		page := "docs/runbooks/" + r.Alert + ".md"
		pages = append(pages, r.Alert+".md")
		text, err := os.ReadFile(root + page)
		if err != nil || r.Annotations["runbook_url"] != page {
			t.Errorf("%s: runbook %q, %v", r.Alert, r.Annotations["runbook_url"], err)
		}
		for _, part := range []string{"# " + r.Alert + ":", "## Why", "## What to do", "## Over when"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s has no %q", page, part)
			}
		}
	}
	entries, err := os.ReadDir(root + "docs/runbooks")
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(root + "docs/runbooks/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "README.md" && (!slices.Contains(pages, e.Name()) || !strings.Contains(string(index), "("+e.Name()+")")) {
			t.Errorf("%s belongs to no rule, or is not in the index", e.Name())
		}
	}
	// Each kind that the reconcilers find is watched, and each alarm of order's is explained.
	found := regexp.MustCompile(`found\.WithLabelValues\("([a-z-]+)"\)|counts := map\[string\]int\{(("[a-z-]+": 0(, )?)+)\}|return "([a-z]+-without-order)"|= "(hold-without-checkout)"`)
	var reconciler []byte
	for _, service := range []string{"order", "checkout"} {
		text, err := os.ReadFile(root + "services/" + service + "/internal/app/reconcile.go")
		if err != nil {
			t.Fatal(err)
		}
		reconciler = append(reconciler, text...)
	}
	kinds := 0
	for _, m := range found.FindAllStringSubmatch(string(reconciler), -1) {
		for _, kind := range regexp.MustCompile(`[a-z]+(?:-[a-z]+)*`).FindAllString(m[1]+" "+m[2]+" "+m[5]+" "+m[6], -1) {
			if kinds++; !slices.Contains(asked, kind) {
				t.Errorf("nobody watches the finding %q", kind)
			}
		}
	}
	alarms, err := os.ReadFile(root + "docs/runbooks/OrderAlarm.md")
	if err != nil {
		t.Fatal(err)
	}
	rung := regexp.MustCompile(`\.alarm\("([a-z-]+)"`).FindAllStringSubmatch(all, -1)
	for _, m := range rung {
		if !strings.Contains(string(alarms), "`"+m[1]+"`") && !strings.Contains(all, `alarm(log, "`+m[1]) {
			t.Errorf("the runbook of OrderAlarm does not say what %q is", m[1])
		}
	}
	if kinds < 8 || len(rung) < 4 {
		t.Errorf("only %d findings and %d alarms were looked for", kinds, len(rung))
	}
}
