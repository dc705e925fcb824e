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

const wantInfra = "infra: want: infra install, infra tags, infra suites or infra html FOLDER, and -h for the flags"

// runInfra is about the servers of the profiles, and what tests of pages need, on this machine: install what is missing, name the build tags of the tests
// that can be run here, say which cannot, and check pages.
func runInfra(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(wantInfra)
	}
	set, parse := flags("infra")
	profile := set.String("profile", "", "only what this profile needs, or what the tests in a browser do: browser (default: all)")
	if _, err := parse(args, 1, 2); err != nil {
		return err
	}
	profiles := append(shop.Profiles(), infra.Browser)
	if *profile == infra.Browser {
		profiles = []string{infra.Browser}
	} else if *profile != "" {
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
	case "html":
		if set.NArg() == 2 {
			return infra.CheckHTML(ctx, set.Arg(1), os.Stdout)
		}
	}
	return errors.New(wantInfra)
}

// testTags are the build tags of the tests whose servers are here, called like the servers that a profile adds, or the browser.
func testTags(ctx context.Context) (tags []string) {
	for profile, servers := range map[string][]string{shop.Standard: {"redis", "opensearch"}, shop.Kafka: {"kafka"}, infra.Browser: {"chromium"}} {
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
			fmt.Printf("NOT RUN: the tests of %s. %s\n", profile, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	if len(missing) > 0 && os.Getenv("CI") == "true" {
		return fmt.Errorf("CI=true, and these tests were not run: %s", strings.Join(missing, ", "))
	}
	return nil
}
