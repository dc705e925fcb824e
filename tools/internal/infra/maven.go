package infra

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

var javaVersion = regexp.MustCompile(`version "([0-9.]+)`)

// jars are what a server in Java runs on: from Maven Central, by version, in the tool's cache whole or not at all.
type jars struct {
	name, version string // "Kafka", "4.1.0"
	pom           []byte
	proof         string // a jar that is there when all are
	megabytes     int
	source        []byte // of a class Server that is compiled beside them, if any: that needs a JDK
	oldest        int    // Java
	profile       string // one that needs it
}

// server is what a server is run by.
type server struct {
	java program
	lib  string // folder of the jars
}

func findMaven() error {
	_, err := exec.LookPath("mvn")
	return err
}

func (j jars) String() string { return j.name + " " + j.version }

// lib is where the jars are, or will be.
func (j jars) lib() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "sidecart", strings.ToLower(j.name)+"-"+j.version), nil
}

func (j jars) java(ctx context.Context) (program, error) {
	return find(ctx, []string{"java"}, "-version", javaVersion, j.oldest)
}

func (j jars) missing(reason error) error {
	return &MissingError{
		Server: j.String(), Reason: reason.Error(),
		Advice: fmt.Sprintf("`%s` provides it (as root on Debian; else with %s %d and Maven in the PATH)", InstallCommand(j.profile), j.kit(), j.oldest),
	}
}

// kit is what of Java is needed to bring the jars.
func (j jars) kit() string {
	if j.source != nil {
		return "JDK"
	}
	return "Java"
}

// lacks lists the Debian packages without which the jars cannot be brought here.
func (j jars) lacks(ctx context.Context) (packages []string) {
	_, err := j.java(ctx)
	if j.source != nil && err == nil {
		_, err = exec.LookPath("javac")
	}
	switch {
	case err != nil && j.source != nil:
		packages = append(packages, "default-jdk-headless")
	case err != nil:
		packages = append(packages, "default-jre-headless")
	}
	if findMaven() != nil {
		packages = append(packages, "maven")
	}
	return packages
}

func (j jars) find(ctx context.Context) (server, error) {
	java, err := j.java(ctx)
	if err != nil {
		return server{}, j.missing(err)
	}
	lib, err := j.lib()
	if err != nil {
		return server{}, err
	}
	if _, err := os.Stat(lib); err != nil {
		return server{}, j.missing(fmt.Errorf("its jars are not in %s", lib))
	}
	return server{java, lib}, nil
}

// look tells of the server where it can be run.
func (j jars) look(ctx context.Context) (Found, error) {
	s, err := j.find(ctx)
	return Found{j.name, j.version + " in " + s.lib + ", Java " + s.java.version}, err
}

// canRun says what a start would lack. Jars that can be brought are no lack.
func (j jars) canRun(ctx context.Context) error {
	if len(j.lacks(ctx)) == 0 {
		return nil
	}
	_, err := j.find(ctx)
	return err
}

// prepare finds the jars, and brings them before where that can be done.
func (j jars) prepare(ctx context.Context, out io.Writer) (server, error) {
	if len(j.lacks(ctx)) == 0 {
		if err := j.fetch(ctx, out); err != nil {
			return server{}, err
		}
	}
	return j.find(ctx)
}

// fetch brings the jars from the Maven repository into the cache, unless they are there. The folder gets its name when it is whole.
func (j jars) fetch(ctx context.Context, out io.Writer) error {
	lib, err := j.lib()
	if err != nil {
		return err
	}
	if _, err := os.Stat(lib); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(lib), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(lib), filepath.Base(lib)+"-*.part")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	fmt.Fprintf(out, "fetching %s through Maven (%d MB)\n", j, j.megabytes)
	fresh := filepath.Join(work, "lib")
	said, err := j.bring(ctx, work, fresh)
	if err != nil {
		return fmt.Errorf("fetch %s: %w\n%s", j, err, lastLines(said, 10))
	}
	if err := os.Rename(fresh, lib); err != nil {
		if _, there := os.Stat(lib); there != nil { // another one was quicker
			return err
		}
	}
	return nil
}

// bring fills a folder, and returns what Maven and the compiler said.
func (j jars) bring(ctx context.Context, work, fresh string) (said []byte, err error) {
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), j.pom, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--strict-checksums", "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+fresh)
	cmd.Dir = work
	if said, err = cmd.CombinedOutput(); err != nil {
		return said, err
	}
	if _, err := os.Stat(filepath.Join(fresh, j.proof)); err != nil {
		return said, errors.New("Maven brought something else: " + err.Error())
	}
	if j.source == nil {
		return said, nil
	}
	source := filepath.Join(work, "Server.java")
	if err := os.WriteFile(source, j.source, 0o600); err != nil {
		return said, err
	}
	return exec.CommandContext(ctx, "javac", "-proc:none", "-cp", filepath.Join(fresh, "*"), "-d", fresh, source).CombinedOutput()
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
