// Package infra finds, installs and prepares the real servers of the profiles: Redis, Kafka and OpenSearch; and finds and installs what the tests of the
// shop's pages need, Chromium and the Nu HTML checker. They run privately for one shop, as its
// Postgres does: on its ports, on this machine alone, behind a password (OpenSearch has none without its plugins), with their data in its state folder. Who keeps them running is
// package up.
//
//	server          what it holds                         on disk                       after kill -9
//	carts-redis     projections of carts, made anew       nothing                       empty: carts are made again from their log
//	events-redis    events (Redis Streams)                each event, before the answer all events and everybody's place
//	kafka           events                                each batch, before the answer all events and everybody's place
//	opensearch      the index of search, made anew        each batch, before the answer all documents
//
// Redis and Chromium come with the machine (PATH) or from Debian; Kafka, OpenSearch and Nu come from Maven Central, by version, into the tool's cache,
// whole or not at all, and run on the machine's Java.
package infra

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// MissingError says that a server cannot be run here, and what would change that.
type MissingError struct {
	Server string // "Redis 7 or newer"
	Reason string
	Advice string
}

func (e *MissingError) Error() string { return fmt.Sprintf("%s: %s; %s", e.Server, e.Reason, e.Advice) }

// InstallCommand is what provides a profile's servers.
func InstallCommand(profile string) string { return "bin/sidecart infra install --profile " + profile }

// Found is a server that can be run here.
type Found struct{ Server, Detail string }

// Look tells for each server of a profile whether it can be run here. The tool's own broker always can.
func Look(ctx context.Context, profile string) (found []Found, missing error) {
	var errs []error
	for _, name := range programs(profile) {
		var f Found
		var err error
		switch name {
		case "redis":
			var p program
			p, err = findRedis(ctx)
			f = Found{"Redis", p.version + ", " + p.path}
		case "kafka":
			f, err = kafkaJars.look(ctx)
		case "opensearch":
			f, err = openSearchJars.look(ctx)
		case "chromium":
			var p program
			p, err = findChromium(ctx)
			f = Found{"Chromium", p.version + ", " + p.path}
		case "nu":
			f, err = nuJars.look(ctx)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, f)
	}
	return found, errors.Join(errs...)
}

// CanRun says what a start of the profile would lack, all at once. Jars that Maven can bring are no lack.
func CanRun(ctx context.Context, profile string) error {
	var errs []error
	for _, name := range programs(profile) {
		var err error
		switch name {
		case "redis":
			_, err = findRedis(ctx)
		case "kafka":
			err = kafkaJars.canRun(ctx)
		case "opensearch":
			err = openSearchJars.canRun(ctx)
		case "chromium":
			_, err = findChromium(ctx)
		case "nu":
			err = nuJars.canRun(ctx)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// programs are the programs behind a profile's servers, each once.
func programs(profile string) []string {
	switch profile {
	case shop.Standard:
		return []string{"redis", "opensearch"}
	case shop.Kafka:
		return []string{"redis", "kafka"}
	case Browser:
		return []string{"chromium", "nu"}
	default:
		return nil
	}
}

// program is one of the machine.
type program struct{ path, version string }

// find takes the first of the names that is in the PATH and new enough. The version is what pattern finds in what the program says.
func find(ctx context.Context, names []string, ask string, pattern *regexp.Regexp, oldest int) (program, error) {
	var seen []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, ask).CombinedOutput()
		m := pattern.FindStringSubmatch(string(out))
		if err != nil || m == nil {
			seen = append(seen, fmt.Sprintf("%s does not tell its version", path))
			continue
		}
		if major, err := strconv.Atoi(strings.SplitN(m[1], ".", 2)[0]); err == nil && major >= oldest {
			return program{path, m[1]}, nil
		}
		seen = append(seen, fmt.Sprintf("%s is version %s", path, m[1]))
	}
	if len(seen) == 0 {
		return program{}, fmt.Errorf("there is no %s in the PATH", strings.Join(names, " or "))
	}
	return program{}, errors.New(strings.Join(seen, ", "))
}
