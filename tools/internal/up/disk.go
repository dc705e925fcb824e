package up

import (
	"context"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// narrow is the free space below which the person is told: the broker refuses events at 128 MiB, Postgres writes at none.
const narrow = 256 << 20

// least is the free space without which a shop does not start: the broker would refuse every event, and etcd panics for want of a few
// megabytes.
const least = 128 << 20

// room refuses a disk that is too full to start on.
func room(free int64, dir string) error {
	if free < least {
		return fmt.Errorf("only %d MiB are left on the disk that holds %s: free some space, at least %d MiB", free>>20, dir, least>>20)
	}
	return nil
}

// diskNotes turns the free space, asked again and again, into what is worth saying: once when it gets narrow, once when
// it is not any more.
type diskNotes struct{ told bool }

func (d *diskNotes) note(free int64, dir string) (format string, args []any) {
	switch {
	case free < narrow && !d.told:
		d.told = true
		return "only %d MiB are left on the disk that holds %s: free some space; events and then orders are refused until there is some", []any{free >> 20, dir}
	case free >= 2*narrow && d.told:
		d.told = false
		return "the disk that holds %s has space again", []any{dir}
	}
	return "", nil
}

// watchDisk says when a disk of the shop's data gets full. It ends with ctx.
func (r *runner) watchDisk(ctx context.Context) {
	notes := map[string]*diskNotes{}
	for _, dir := range r.opt.Layout.Disks() {
		notes[dir] = &diskNotes{}
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		for dir, n := range notes {
			if format, args := n.note(shop.FreeSpace(dir), dir); format != "" {
				r.out.say(format, args...)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
