package daprbin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// Packages that must be linked into daprd: what tools/dapr registers beyond
// Dapr's stable build. Go keeps the names of functions in the program, so this
// asks what is there and not how it was built.
var neededPackages = []string{
	"github.com/dapr/components-contrib/nameresolution/sqlite.",
	"github.com/dapr/components-contrib/bindings/smtp.",
	"github.com/dapr/components-contrib/bindings/twilio/sms.",
}

// finder looks for installed programs.
type finder struct {
	opt    Options
	wanted sources
}

func (f finder) all(ctx context.Context) Binaries {
	var b Binaries
	for _, dir := range f.dirs() {
		if !b.hasRuntime() && isProgram(filepath.Join(dir, "daprd")) {
			version, err := f.runtimeIn(ctx, dir)
			if err != nil {
				f.opt.Log.Debug("an installed Dapr runtime is passed over", "dir", dir, "reason", err)
			} else {
				b = b.withRuntime(dir, version)
			}
		}
		if path := filepath.Join(dir, "dapr"); b.CLI == "" && isProgram(path) {
			version, err := ask(ctx, path, cliVersion)
			if err == nil && !f.wanted.acceptsCLI(version) {
				err = fmt.Errorf("version %s does not fit %s", version, f.wanted.cli)
			}
			if err != nil {
				f.opt.Log.Debug("an installed dapr command line is passed over", "path", path, "reason", err)
			} else {
				b.CLI, b.CLIVersion = path, bare(version)
			}
		}
	}
	return b
}

// dirs are the directories to search, absolute, in order.
func (f finder) dirs() []string {
	var out []string
	for _, dir := range filepath.SplitList(f.opt.Path) {
		if filepath.IsAbs(dir) { // others change with the working directory
			out = append(out, dir)
		}
	}
	if f.opt.HomeDir != "" {
		out = append(out, filepath.Join(f.opt.HomeDir, ".dapr", "bin"))
	}
	return out
}

// runtimeIn checks the runtime in dir and tells its version.
func (f finder) runtimeIn(ctx context.Context, dir string) (string, error) {
	if absent := missing(dir, runtimePrograms); absent != nil {
		return "", fmt.Errorf("%v not beside daprd", absent)
	}
	daprd := filepath.Join(dir, "daprd")
	version, err := ask(ctx, daprd, daprdVersion)
	if err != nil {
		return "", err
	}
	if !f.wanted.acceptsRuntime(version) {
		return "", fmt.Errorf("version %s does not fit %s", version, f.wanted.runtime)
	}
	for _, name := range neededPackages {
		ok, err := contains(daprd, []byte(name))
		if err != nil {
			return "", err
		}
		if !ok {
			return "", fmt.Errorf("built without %s", name)
		}
	}
	return version, nil
}

// askTimeout bounds `--version`, which answers at once.
const askTimeout = 10 * time.Second

// ask runs `path --version` and has its output parsed.
func ask(ctx context.Context, path string, parse func(string) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	return parse(string(out))
}

var (
	daprdLine = regexp.MustCompile(`(?m)^v?(\d+\.\d+\.\d+\S*)\s*$`)
	cliLine   = regexp.MustCompile(`(?m)^CLI version:\s*v?(\d+\.\d+\.\d+\S*)\s*$`)
)

// daprdVersion reads what `daprd --version` prints, a bare version, as v1.2.3.
func daprdVersion(out string) (string, error) { return match(daprdLine, out) }

// cliVersion reads the first line of `dapr --version` as v1.2.3. A build that
// was given no version says "edge", which fits nothing.
func cliVersion(out string) (string, error) { return match(cliLine, out) }

func match(line *regexp.Regexp, out string) (string, error) {
	m := line.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("no version in %.100q", out)
	}
	return "v" + m[1], nil
}

// contains tells whether a file holds a text.
func contains(path string, text []byte) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	const block = 1 << 20
	in := bufio.NewReaderSize(file, block+len(text))
	for {
		window, err := in.Peek(block + len(text))
		if bytes.Contains(window, text) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		// The last len(text) bytes are looked at again with the next block.
		if _, err := in.Discard(block); err != nil {
			return false, err
		}
	}
}
