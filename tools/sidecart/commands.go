package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/tools/internal/broker"
	"github.com/sidecart/sidecart/tools/internal/control"
	"github.com/sidecart/sidecart/tools/internal/daprdir"
	"github.com/sidecart/sidecart/tools/internal/doctor"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/status"
	"github.com/sidecart/sidecart/tools/internal/supervise"
	"github.com/sidecart/sidecart/tools/internal/testenv"
	"github.com/sidecart/sidecart/tools/internal/up"
)

// command is one sub-command. run gets a context that ends with a signal; bare gets nothing and sees to signals itself.
type command struct {
	name, args, about string
	run               func(ctx context.Context, args []string) error
	bare              func(args []string) error
}

func commands() []command {
	return []command{
		{name: "up", args: "[flags]", about: "set everything up and serve the shop until Ctrl-C", run: runUp},
		{name: "down", args: "[flags]", about: "stop the running shop; its data stays", run: runDown},
		{name: "reset", args: "[flags]", about: "stop the shop and delete its data", run: runReset},
		{name: "status", args: "[flags]", about: "every process with pid, address, health and memory", run: runStatus},
		{name: "doctor", args: "[flags]", about: "what is missing or in the way, and what to do about it", run: runDoctor},
		{name: "logs", args: "[flags] NAME", about: "the log of a service, a sidecar (NAME.daprd) or a server", run: runLogs},
		{name: "restart", args: "[flags] NAME", about: "rebuild and restart one service beside its sidecar", run: runRestart},
		{name: "bench", args: "[flags]", about: "measure a shop of its own and write docs/benchmarks.md", run: runBench},
		{name: "token", args: "[flags]", about: "a staff token of 15 minutes for the local shop", run: runToken},
		{name: "seed", args: "[flags]", about: "fill the running shop with the sample catalogue and some orders", run: runSeed},
		{name: "import", args: "products FILE --mapping M [flags]", about: "bring products from a CSV, JSON or NDJSON file into the running shop", run: runImport},
		{name: "books", args: "[flags]", about: "audit the running shop: does every book say the same?", run: runBooks},
		{name: "stock", args: "reconcile|snapshot|compare", about: "recount the stock; explain every piece between two moments", run: runStock},
		{name: "payments", args: "reconcile [flags]", about: "compare payment's ledger with the gateway's books, by day and currency", run: runPayments},
		{name: "search", args: "rebuild [flags]", about: "make the index anew, and compare it with catalog, pricing and inventory", run: runSearch},
		{name: "load", args: "[flags]", about: "buy from the running shop as many guests do", run: runLoad},
		{name: "chaos", args: "[flags]", about: "break a shop of its own while guests buy, and hold it to its books", run: runChaos},
		{name: "events", args: "status|replay|resend", about: "how far every subscriber is; put dead letters back; tell events again", run: runEvents},
		{name: "infra", args: "install [flags]", about: "install what the servers of the profiles lack (root on Debian); suites: which tests that keeps from running", run: runInfra},
		{name: "testenv", args: "[--] CMD…", about: "run CMD with a private Postgres and the Dapr programs, as tests need them", run: runTestenv},
		{name: "exec", args: "[flags] -- CMD…", about: "keep one process running (used by up)", bare: runExec},
		{name: "broker", args: "[flags]", about: "the embedded message broker (used by up)", bare: broker.Command},
	}
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: sidecart COMMAND [flags]; COMMAND -h lists the flags")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-24s %s\n", c.name+" "+c.args, c.about)
	}
}

// flags begins a command's flags with those that all share. They may stand before and after the operands, of which there may be as
// many as one of the numbers says.
func flags(name string) (*flag.FlagSet, func(args []string, operands ...int) (shop.Layout, error)) {
	set := flag.NewFlagSet("sidecart "+name, flag.ContinueOnError)
	dir := set.String("dir", ".", "a folder of the repository")
	data := set.String("data", "", "the shop's state folder (default: .data in the repository)")
	return set, func(args []string, operands ...int) (shop.Layout, error) {
		var found []string
		for {
			if err := set.Parse(args); err != nil {
				return shop.Layout{}, err
			}
			if set.NArg() == 0 {
				break
			}
			found, args = append(found, set.Arg(0)), set.Args()[1:]
		}
		if err := set.Parse(append([]string{"--"}, found...)); err != nil {
			return shop.Layout{}, err
		}
		if !slices.Contains(operands, set.NArg()) {
			return shop.Layout{}, fmt.Errorf("%s: got %d operands, want %d", name, set.NArg(), operands[len(operands)-1])
		}
		return shop.FindLayout(*dir, *data)
	}
}

func runUp(ctx context.Context, args []string) error {
	set, parse := flags("up")
	offset := set.Int("port-offset", 0, "added to every port, for a second shop beside the first (20, 40, 60 or 80)")
	free := set.Bool("free-ports", false, "take any free ports, for tests")
	bare := set.Bool("no-seed", false, "leave a new shop empty")
	profile := set.String("profile", "", "which components: "+strings.Join(shop.Profiles(), ", ")+" (default: the one used last, or embedded)")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	layout.Profile = cmp.Or(*profile, layout.Profile, shop.Embedded)
	if err := shop.CheckProfile(layout.Profile); err != nil {
		return err
	}
	tool, err := os.Executable()
	if err != nil {
		return err
	}
	var claim io.Closer
	opt := up.Options{
		Layout: layout, Tool: tool, Out: os.Stdout,
		Dapr: func(ctx context.Context) (string, error) { return daprdir.Find(ctx, layout.Root, os.Stdout) },
		Seed: func(ctx context.Context, st shop.State) error { return seedShop(ctx, layout, st.Gateway, os.Stdout) },
		Ports: func(defaults []int) (ports shop.Ports, err error) {
			if *free {
				ports, claim, err = shop.Free(defaults)
				return ports, err
			}
			return shop.Shifted(*offset)
		},
	}
	if *bare {
		opt.Seed = nil
	}
	// Whoever reads our output may go first: the shop stays. Caught, not ignored, because children inherit the latter.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	err = up.Run(ctx, opt)
	if claim != nil {
		_ = claim.Close()
	}
	return err
}

func runDown(ctx context.Context, args []string) error {
	_, parse := flags("down")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	return control.Down(ctx, layout, os.Stdout)
}

func runReset(ctx context.Context, args []string) error {
	_, parse := flags("reset")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	return control.Reset(ctx, layout, os.Stdout)
}

func runStatus(ctx context.Context, args []string) error {
	set, parse := flags("status")
	asJSON := set.Bool("json", false, "for programs")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	report, err := status.Get(ctx, layout)
	if err != nil {
		return err
	}
	if *asJSON {
		return report.JSON(os.Stdout)
	}
	return report.Print(os.Stdout, time.Now())
}

func runDoctor(ctx context.Context, args []string) error {
	_, parse := flags("doctor")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	return doctor.Run(ctx, layout, os.Stdout)
}

func runLogs(ctx context.Context, args []string) error {
	set, parse := flags("logs")
	follow := set.Bool("f", false, "go on with what is added")
	lines := set.Int("n", 100, "how many lines to begin with")
	layout, err := parse(args, 0, 1) // without a name it tells which there are
	if err != nil {
		return err
	}
	return control.Logs(ctx, layout, set.Arg(0), *lines, *follow, os.Stdout)
}

func runRestart(ctx context.Context, args []string) error {
	set, parse := flags("restart")
	layout, err := parse(args, 1)
	if err != nil {
		return err
	}
	return control.Restart(ctx, layout, set.Arg(0), os.Stdout)
}

func runToken(_ context.Context, args []string) error {
	_, parse := flags("token")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	m, err := shop.ReadManifest(layout.Manifest())
	if err != nil {
		return err
	}
	token, err := shop.StaffToken(layout, m.StaffScopes(), time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Println(token)
	return err
}

func runTestenv(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("sidecart testenv", flag.ContinueOnError)
	dapr := set.Bool("dapr", true, "provide the Dapr programs too (found, or built once)")
	tags := set.String("tags", "", "the build tags of the tests: with opensearch in them, provide an OpenSearch too")
	if err := set.Parse(args); err != nil {
		return err
	}
	opt := testenv.Options{Command: set.Args(), OpenSearch: slices.Contains(strings.Split(*tags, ","), "opensearch"), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if *dapr {
		layout, err := shop.FindLayout(".", "")
		if err != nil {
			return err
		}
		opt.Dapr = func(ctx context.Context) (string, error) { return daprdir.Find(ctx, layout.Root, os.Stderr) }
	}
	return testenv.Run(ctx, opt)
}

// runExec ends as the process ended that it kept running.
func runExec(args []string) error {
	err := supervise.Command(args)
	var end *supervise.ExitError
	if errors.As(err, &end) {
		return testenv.ExitError{Code: end.Code}
	}
	return err
}
