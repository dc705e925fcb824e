// Package ownshop runs a shop for one command alone, which measures it or breaks it, and deletes it afterwards.
package ownshop

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/tools/internal/control"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// Shop is the shop.
type Shop struct {
	layout shop.Layout
	tool   string
	offset int
	args   []string
	child  *proc.Child // nil: it does not run
	said   *transcript
}

// New describes a shop of the layout's folder and profile. tool is the command line, offset is added to every port, args are further
// flags of `sidecart up`.
func New(l shop.Layout, tool string, offset int, args ...string) *Shop {
	return &Shop{layout: l, tool: tool, offset: offset, args: args}
}

// sells is what `sidecart up` says when everything is there.
const sells = "The shop serves."

// Start runs the shop and returns when it sells, and how long that took.
func (o *Shop) Start(ctx context.Context) (time.Duration, shop.State, error) {
	o.said = newTranscript(sells)
	cmd := exec.Command(o.tool, append([]string{"up", "--dir", o.layout.Root, "--data", o.layout.Data, "--port-offset", strconv.Itoa(o.offset),
		"--profile", cmp.Or(o.layout.Profile, shop.Embedded)}, o.args...)...)
	cmd.Stdout, cmd.Stderr = o.said, o.said
	begun := time.Now()
	child, err := proc.Start(cmd, syscall.SIGTERM)
	if err != nil {
		return 0, shop.State{}, err
	}
	o.child = child
	select {
	case <-o.said.heard:
	case <-child.Done():
		return 0, shop.State{}, fmt.Errorf("the shop does not start: %w\n%s", child.Err(), o.said)
	case <-ctx.Done():
		return 0, shop.State{}, ctx.Err()
	}
	took := time.Since(begun)
	if strings.Contains(o.said.String(), "NOT seeded") {
		return 0, shop.State{}, fmt.Errorf("the shop could not be filled:\n%s", o.said)
	}
	st, err := shop.Running(o.layout)
	return took, st, err
}

// Stop ends the shop and keeps its data.
func (o *Shop) Stop() error {
	if o.child == nil {
		return nil
	}
	o.child.Stop(syscall.SIGTERM, 90*time.Second)
	err := o.child.Err()
	o.child = nil
	if err != nil {
		return fmt.Errorf("the shop did not stop well: %w\n%s", err, o.said)
	}
	return nil
}

// Remove ends the shop and deletes its data, also those of a command that was killed.
func (o *Shop) Remove(ctx context.Context) error {
	stopped := o.Stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return errors.Join(stopped, control.Reset(ctx, o.layout, io.Discard))
}

// transcript keeps what a process says, and tells when it says a text.
type transcript struct {
	text  string
	heard chan struct{} // closed then

	mu  sync.Mutex
	all bytes.Buffer
}

func newTranscript(text string) *transcript {
	return &transcript{text: text, heard: make(chan struct{})}
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := strings.Contains(t.all.String(), t.text)
	t.all.Write(p)
	if !before && strings.Contains(t.all.String(), t.text) {
		close(t.heard)
	}
	return len(p), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.String()
}
