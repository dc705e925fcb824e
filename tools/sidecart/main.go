// Command sidecart is the one command line of the project: it runs the shop on this machine and tells how it is.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/sidecart/sidecart/tools/internal/testenv"
)

func main() {
	err := run(context.Background(), os.Args[1:])
	var exit testenv.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.Code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sidecart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(os.Stdout)
		return nil
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, args[1:])
		}
	}
	usage(os.Stderr)
	return fmt.Errorf("unknown command %q", args[0])
}
