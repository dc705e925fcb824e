package daprbin

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// script writes an executable shell script.
func script(t *testing.T, path, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	// A fork meanwhile would hold the file open for writing, and the kernel
	// refuses to run it then.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// everything is what a daprd with all components holds.
var everything = "# " + strings.Join(neededPackages, " ")

// installRuntime puts fake runtime programs into dir.
func installRuntime(t *testing.T, dir, version, body string) {
	t.Helper()
	script(t, filepath.Join(dir, "daprd"), "echo "+version+"\n"+body)
	script(t, filepath.Join(dir, "placement"), "exit 2")
	script(t, filepath.Join(dir, "scheduler"), "exit 2")
}

func installCLI(t *testing.T, dir, version string) {
	t.Helper()
	script(t, filepath.Join(dir, "dapr"), "echo 'CLI version: "+version+" '; echo 'Runtime version: n/a'")
}

// machine is a fake machine: nothing is installed, and its go command is a
// script that logs each build.
type machine struct {
	Options
	root string
	log  *bytes.Buffer
}

// fakeGo acts as go list and go build: it names two packages and makes the
// programs. $BUILD runs between the two in a build.
const fakeGo = `
if [ "$1" = list ]; then echo example.org/a; echo example.org/b; echo 'go: downloading example.org/a v1.0.0' >&2; exit; fi
echo "$PWD" >> %[1]s/builds
echo example.org/a >&2
out=; last=; for arg; do if [ "$last" = -o ]; then out=$arg; fi; last=$arg; done
%[2]s
for arg; do case $arg in ./cmd/*)
	p=${arg#./cmd/}
	case $p in
	dapr) line='CLI version: 1.16.5 ';;
	*) line=1.18.1;;
	esac
	printf '#!/bin/sh\necho "%%s"\n' "$line" > $out$p; chmod +x $out$p;;
esac; done
`

func newMachine(t *testing.T, duringBuild string) *machine {
	t.Helper()
	root := t.TempDir()
	m := &machine{root: root, log: &bytes.Buffer{}, Options: Options{
		SourceDir: filepath.Join(root, "tools"),
		CacheDir:  filepath.Join(root, "cache"),
		HomeDir:   filepath.Join(root, "home"),
		Path:      filepath.Join(root, "bin1") + string(os.PathListSeparator) + filepath.Join(root, "bin2"),
		Go:        filepath.Join(root, "go"),
	}}
	m.Progress = m.log
	for _, file := range []struct{ path, text string }{
		{"dapr/go.mod", "module x\ngo 1.26\nrequire github.com/dapr/dapr v1.18.1\n"},
		{"dapr/cmd/daprd/main.go", "package main\n"},
		{"daprcli/go.mod", "module y\ngo 1.26\nrequire github.com/dapr/cli v1.16.5\n"},
	} {
		path := filepath.Join(m.SourceDir, file.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script(t, m.Go, fmt.Sprintf(fakeGo, root, duringBuild))
	return m
}

func (m *machine) ensure(t *testing.T) Binaries {
	t.Helper()
	b, err := Ensure(t.Context(), m.Options)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{b.Daprd, b.Placement, b.Scheduler, b.CLI} {
		if !isProgram(path) {
			t.Errorf("%q is no program", path)
		}
	}
	return b
}

// builds are the modules that go build ran in.
func (m *machine) builds(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(m.root, "builds"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(raw)) {
		out = append(out, filepath.Base(strings.TrimSpace(line)))
	}
	return out
}
