package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/sidecart/sidecart/tools/internal/testenv"
)

type command struct {
	name, args, about string
	run               func(ctx context.Context, args []string) error
}

var commands = []command{
	{"testenv", "[--] CMD…", "run CMD with a private Postgres and the Dapr binaries, as tests need them", runTestenv},
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: sidecart COMMAND")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-28s %s\n", c.name+" "+c.args, c.about)
	}
}

func runTestenv(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	return testenv.Run(ctx, testenv.Options{Command: args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
}
