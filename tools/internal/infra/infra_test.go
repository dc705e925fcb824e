package infra

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// machine is one whose PATH holds these programs alone, scripts all, and whose cache is empty.
func machine(t *testing.T, programs map[string]string) (cache string) {
	t.Helper()
	bin := t.TempDir()
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cache = t.TempDir()
	t.Setenv("PATH", bin)
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	return cache
}

// What is missing is named together with the command that provides it.
func TestMissingServers(t *testing.T) {
	const java = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`
	for name, c := range map[string]struct {
		programs map[string]string
		profile  string
		want     []string // empty: nothing is missing
	}{
		"nothing needed":    {nil, shop.Embedded, nil},
		"no redis":          {nil, shop.Standard, []string{"Redis 7", "no redis-server or valkey-server in the PATH", "infra install --profile standard"}},
		"an old redis":      {map[string]string{"redis-server": `echo 'Redis server v=6.0.16 sha=0'`}, shop.Standard, []string{"redis-server is version 6.0.16"}},
		"a broken redis":    {map[string]string{"redis-server": "exit 1"}, shop.Standard, []string{"does not tell its version"}},
		"valkey":            {map[string]string{"valkey-server": `echo 'Valkey server v=8.0.1 sha=0'`}, shop.Standard, []string{"OpenSearch 2.19.1: there is no java"}},
		"no java, no redis": {nil, shop.Kafka, []string{"Redis 7", "Kafka 4.1.0: there is no java in the PATH", "infra install --profile kafka"}},
		"an old java":       {map[string]string{"java": `echo 'java version "1.8.0_292"' >&2`}, shop.Kafka, []string{"java is version 1.8.0"}},
		"no browser":        {map[string]string{"java": java}, Browser, []string{"Chromium 115", "no chromium or chromium-browser", "infra install --profile browser", "Nu 20.7.2: its jars"}},
		"an old chrome":     {map[string]string{"java": java, "google-chrome": `echo 'Google Chrome 90.0.4430.93 '`}, Browser, []string{"google-chrome is version 90.0"}},
		"no jars":           {map[string]string{"java": java}, shop.Kafka, []string{"its jars are not in"}},
	} {
		t.Run(name, func(t *testing.T) {
			machine(t, c.programs)
			_, err := Look(t.Context(), c.profile)
			if before := CanRun(t.Context(), c.profile); fmt.Sprint(before) != fmt.Sprint(err) {
				t.Errorf("a start would lack %v", before)
			}
			if (err == nil) != (len(c.want) == 0) {
				t.Fatalf("missing: %v", err)
			}
			for _, text := range c.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%v: no word of %q", err, text)
				}
			}
		})
	}
}

// What Maven can bring at the start is not in its way.
func TestJarsComeAtTheStart(t *testing.T) {
	machine(t, map[string]string{"redis-server": `echo 'Redis server v=7.0.15 sha=0'`, "java": `echo 'openjdk version "21.0.1"' >&2`, "mvn": ":"})
	if err := CanRun(t.Context(), shop.Kafka); err != nil {
		t.Error(err)
	}
}

// A server is not prepared without its program.
func TestNothingIsPreparedWithoutItsProgram(t *testing.T) {
	machine(t, nil)
	dir := filepath.Join(t.TempDir(), "server")
	var missing *MissingError
	if _, err := (Redis{Dir: dir, Port: 1}).Prepare(t.Context()); !errors.As(err, &missing) {
		t.Errorf("redis: %v", err)
	}
	if _, err := (Kafka{Dir: dir, Port: 1}).Prepare(t.Context(), io.Discard); !errors.As(err, &missing) {
		t.Errorf("kafka: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made all the same")
	}
}

// Whoever may not install learns what is missing, and what of it another may install.
func TestInstallWithoutAptGet(t *testing.T) {
	machine(t, nil)
	err := Install(t.Context(), shop.Profiles(), io.Discard)
	for _, name := range []string{"default-jdk-headless", "maven", "redis-server", "no apt-get"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: no word of %s", err, name)
		}
	}
}

// Kafka is in the cache whole or not at all.
func TestAHalfFetchedKafkaIsNone(t *testing.T) {
	for name, mvn := range map[string]string{
		"maven fails half-way":         `for a; do case $a in -DoutputDirectory=*) /bin/mkdir -p "${a#*=}"; : > "${a#*=}/some.jar";; esac; done; echo no route; exit 1`,
		"maven fetches something else": `for a; do case $a in -DoutputDirectory=*) /bin/mkdir -p "${a#*=}"; : > "${a#*=}/some.jar";; esac; done`,
		"maven fetches nothing":        `:`,
	} {
		t.Run(name, func(t *testing.T) {
			cache := machine(t, map[string]string{"mvn": mvn, "java": `echo 'openjdk version "17.0.15"' >&2`})
			if err := kafkaJars.fetch(t.Context(), io.Discard); err == nil {
				t.Error("it counts as fetched")
			}
			left, err := filepath.Glob(filepath.Join(cache, "sidecart", "*"))
			if err != nil || len(left) != 0 {
				t.Errorf("left in the cache: %v %v", left, err)
			}
		})
	}
}
