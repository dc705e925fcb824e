package infra

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
)

// Browser is what the tests of the shop's pages need. It is named where profiles are, and no shop runs on it.
const Browser = "browser"

// oldestChromium knows all that the pages use: color-mix, :has, container queries.
const oldestChromium = 115

var chromiumVersion = regexp.MustCompile(`Chrom(?:ium|e)[^0-9]* ([0-9.]+)`)

func findChromium(ctx context.Context) (program, error) {
	p, err := find(ctx, []string{"chromium", "chromium-browser", "google-chrome"}, "--version", chromiumVersion, oldestChromium)
	if err != nil {
		return program{}, &MissingError{
			Server: fmt.Sprintf("Chromium %d or newer", oldestChromium), Reason: err.Error(),
			Advice: "`" + InstallCommand(Browser) + "` installs it (as root on Debian), or put one into the PATH",
		}
	}
	return p, nil
}

// nuVersion is that of nu/pom.xml.
const nuVersion = "20.7.2"

//go:embed nu/pom.xml
var nuPOM []byte

var nuJars = jars{name: "Nu", version: nuVersion, pom: nuPOM, proof: "validator-" + nuVersion + ".jar", megabytes: 27, oldest: 11, profile: Browser}

// CheckHTML has the Nu HTML checker read a file, or all in a folder, and writes what is wrong with them, one finding a line. It returns an error when
// there is any.
func CheckHTML(ctx context.Context, path string, out io.Writer) error {
	s, err := nuJars.find(ctx)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, s.java.path, "-cp", filepath.Join(s.lib, "*"), "nu.validator.client.SimpleCommandLineValidator",
		"--stdout", "--errors-only", "--format", "gnu", path)
	cmd.Stdout = &said
	err = cmd.Run() // it ends with 1 where it finds something
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || said.Len() == 0) {
		return fmt.Errorf("nu: %w", err)
	}
	if _, werr := said.WriteTo(out); werr != nil || err == nil {
		return werr
	}
	return errors.New("the files are not valid HTML")
}
