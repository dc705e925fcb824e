package telemetry_test

import (
	"context"
	"fmt"
	"io"

	"github.com/sidecart/sidecart/pkg/telemetry"
)

func ExampleSetup() {
	ctx := context.Background()
	t, err := telemetry.Setup(ctx, telemetry.Config{Service: "cart", Version: "1.0.0", Output: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	metrics := t.MetricsService("127.0.0.1:0") // in a main: added to a run.Group
	fmt.Println(metrics.Start(ctx), metrics.Stop(ctx), t.Shutdown(ctx))
	// Output: <nil> <nil> <nil>
}
