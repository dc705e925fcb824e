package run_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/pkg/run"
)

func ExampleGroup() {
	ctx, cancel := context.WithCancel(context.Background())
	g := run.NewGroup(slog.New(slog.DiscardHandler), run.Options{Drain: 5 * time.Second, StopTimeout: 10 * time.Second})
	g.Add("relay", run.Func("relay", func(ctx context.Context) error {
		fmt.Println("relay runs")
		cancel() // here in the place of SIGTERM
		<-ctx.Done()
		fmt.Println("relay stops")
		return nil
	}))
	fmt.Println(g.Run(ctx))
	// Output:
	// relay runs
	// relay stops
	// <nil>
}
