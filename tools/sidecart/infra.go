package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sidecart/sidecart/tools/internal/infra"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

const wantInfra = "infra: want: infra install, infra tags or infra suites, and -h for the flags"

// runInfra is about the servers of the profiles on this machine: install what is missing, name the build tags of the tests that can be
// run here, and say which cannot.
func runInfra(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(wantInfra)
	}
	set, parse := flags("infra")
	profile := set.String("profile", "", "only what this profile needs (default: all profiles)")
	if _, err := parse(args, 1); err != nil {
		return err
	}
	profiles := shop.Profiles()
	if *profile != "" {
		if err := shop.CheckProfile(*profile); err != nil {
			return err
		}
		profiles = []string{*profile}
	}
	switch set.Arg(0) {
	case "install":
		return infra.Install(ctx, profiles, os.Stdout)
	case "tags":
		fmt.Println(strings.Join(testTags(ctx), ","))
		return nil
	case "suites":
		return notRun(ctx, profiles)
	}
	return errors.New(wantInfra)
}

// testTags are the build tags of the tests whose servers are here, called like the servers that a profile adds.
func testTags(ctx context.Context) (tags []string) {
	for profile, servers := range map[string][]string{shop.Standard: {"redis", "opensearch"}, shop.Kafka: {"kafka"}} {
		if _, err := infra.Look(ctx, profile); err == nil {
			tags = append(tags, servers...)
		}
	}
	return tags
}

// notRun lists the tests that this machine cannot run. Where the machine is there to run all of them, that is a failure.
func notRun(ctx context.Context, profiles []string) error {
	var missing []string
	for _, profile := range profiles {
		if _, err := infra.Look(ctx, profile); err != nil {
			missing = append(missing, profile)
			fmt.Printf("NOT RUN: the tests of the profile %s. %s\n", profile, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	if len(missing) > 0 && os.Getenv("CI") == "true" {
		return fmt.Errorf("CI=true, and the tests of these profiles were not run: %s", strings.Join(missing, ", "))
	}
	return nil
}
