package testenv

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/tools/internal/infra"
	"github.com/sidecart/sidecart/tools/internal/proc"
)

// patience is how long a server may take to be ready, on a machine that has much to do.
const patience = 2 * time.Minute

// openSearch runs a server of one node until it is stopped.
func openSearch(ctx context.Context, dir string, out io.Writer) (url string, stop func(), err error) {
	o := infra.OpenSearch{Dir: dir}
	for _, port := range []*int{&o.Port, &o.Transport} {
		if *port, err = proc.FreePort(); err != nil {
			return "", nil, err
		}
	}
	argv, err := o.Prepare(ctx, out)
	if err != nil {
		return "", nil, err
	}
	said, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", nil, err
	}
	defer said.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = said, said
	child, err := proc.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return "", nil, err
	}
	stop = func() { child.ID.End(syscall.SIGKILL, 5*time.Second) } // all that it keeps is thrown away
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if err = o.Ready(ctx); err == nil {
			return o.URL(), stop, nil
		}
		select {
		case <-child.Done():
			log, _ := os.ReadFile(said.Name())
			return "", nil, fmt.Errorf("OpenSearch ended: %s", log[max(0, len(log)-4096):])
		case <-ctx.Done():
			stop()
			return "", nil, fmt.Errorf("OpenSearch is not ready after %s: %w", patience, err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}
