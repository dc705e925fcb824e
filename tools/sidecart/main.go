// Command sidecart is the one command line of the project: it runs the shop on this machine, tells how it is, and gives
// tests what they need. `sidecart help` lists its commands.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/tools/internal/testenv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		os.Exit(report(err))
	}
}

// report tells the person what went wrong, unless a command that was run did so already, and gives the exit code.
func report(err error) int {
	var command testenv.ExitError
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &command):
		return command.Code
	}
	fmt.Fprintln(os.Stderr, "sidecart:", err)
	return 1
}

func run(args []string) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(os.Stdout)
		return nil
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		if c.bare != nil {
			return c.bare(args[1:]) // it listens to signals itself
		}
		ctx, stop := interruptible()
		defer stop()
		return c.run(ctx, args[1:])
	}
	usage(os.Stderr)
	return fmt.Errorf("unknown command %q", args[0])
}

// patience is how long a second signal counts as the first: some senders signal a process and its group.
const patience = time.Second

// interruptible ends with the first signal; a later one ends the tool at once (the kernel then ends its children).
func interruptible() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		first := time.Now()
		cancel()
		for range signals {
			if time.Since(first) > patience {
				os.Exit(130)
			}
		}
	}()
	return ctx, cancel
}
