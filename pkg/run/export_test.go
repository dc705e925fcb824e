package run

import (
	"context"
	"os"
)

// RunSignals is Run with a channel in the place of the process's signals.
func (g *Group) RunSignals(ctx context.Context, signals <-chan os.Signal) error {
	return g.run(ctx, signals)
}
