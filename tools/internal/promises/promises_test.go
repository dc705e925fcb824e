// Package promises holds docs/promises.md to the tests that it names.
package promises

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	folder = regexp.MustCompile("^`([a-z0-9/]+)`$")
	test   = regexp.MustCompile(`^Test[A-Za-z0-9]+$`)
)

// Every row of the tables names a folder and tests that are there.
func TestEveryPromiseHasItsTests(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "promises.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows, named := 0, 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if !strings.HasPrefix(line, "|") {
			continue
		}
		if len(cells) != 4 {
			t.Errorf("%q is no row of two cells", strings.TrimSpace(line))
			continue
		}
		if strings.HasPrefix(cells[1], "-") || strings.TrimSpace(cells[2]) == "tests" {
			continue
		}
		rows++
		for part := range strings.SplitSeq(cells[2], " · ") {
			first, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
			dir := folder.FindStringSubmatch(first)
			if dir == nil {
				t.Errorf("%q: %q is no folder", cells[1], first)
				continue
			}
			source := sources(t, filepath.Join(root, dir[1]))
			for name := range strings.SplitSeq(rest, ", ") {
				if named++; !test.MatchString(name) || !strings.Contains(source, "\nfunc "+name+"(t *testing.T)") {
					t.Errorf("%q: %s has no test %s", cells[1], dir[1], name)
				}
			}
		}
	}
	if rows < 25 || named < 50 {
		t.Errorf("%d promises and %d tests were found: the page is read wrongly", rows, named)
	}
}

// sources are the tests of a folder.
func sources(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
