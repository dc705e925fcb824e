// Package run starts the parts of a process in order and stops them in reverse, so that nothing is cut off in the middle.
//
// The shutdown order is that of a process beside a sidecar: on SIGTERM or SIGINT the group goes on serving for Drain, while
// the sidecar, which got the signal too, finishes what it still delivers to us; then each part is stopped, the last started
// first, within StopTimeout for all of them together. A second signal ends the drain at once. A part that fails
// on its own stops the group without a drain: there is no sense in serving half.
//
//	start A → start B → serve …… signal → drain (serving) → stop B → stop A
package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Service is a part of a process. Start returns when the part is ready, and its context bounds the start only. Stop
// waits until the part has ended or ctx has; it is called once, and only after a Start that succeeded.
type Service interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Failer is a Service that can fail after it started. The channel yields at most one error.
type Failer interface {
	Failed() <-chan error
}

// Options of a Group. The zero value does not drain and gives 20 seconds to stop.
type Options struct {
	Drain       time.Duration // how long to serve on after a signal
	StopTimeout time.Duration // for all Stops together; zero means 20 s
}

// Group runs services together. Add before Run; Run once.
type Group struct {
	log      *slog.Logger
	opt      Options
	services []named
	draining atomic.Bool
}

type named struct {
	name    string
	service Service
}

// NewGroup returns an empty group.
func NewGroup(log *slog.Logger, opt Options) *Group {
	if opt.StopTimeout <= 0 {
		opt.StopTimeout = 20 * time.Second
	}
	return &Group{log: log, opt: opt}
}

// Add appends a service. What it depends on is added before it.
func (g *Group) Add(name string, s Service) { g.services = append(g.services, named{name, s}) }

// Draining reports that a signal came and the group will stop soon: a readiness probe answers no from here on.
func (g *Group) Draining() bool { return g.draining.Load() }

// Run starts all services, serves until ctx ends, a signal comes or a service fails, and stops them again. It returns nil
// after an orderly end, else what failed, with all errors of stopping joined.
func (g *Group) Run(ctx context.Context) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	return g.run(ctx, signals)
}

func (g *Group) run(ctx context.Context, signals <-chan os.Signal) error {
	started, signalled, err := g.start(ctx, signals)
	failed, release := watch(g.services[:started])
	defer release()
	if err == nil && !signalled {
		signalled, err = g.serve(ctx, signals, failed)
	}
	g.draining.Store(true)
	if err == nil && signalled && started == len(g.services) {
		err = g.drain(ctx, signals, failed)
	}
	return errors.Join(err, g.stop(context.WithoutCancel(ctx), started))
}

// start starts all services; a signal meanwhile cancels the start that runs and is no error.
func (g *Group) start(ctx context.Context, signals <-chan os.Signal) (started int, signalled bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, s := range g.services {
		begun := time.Now()
		done := make(chan error, 1)
		go func() { done <- s.service.Start(ctx) }()
		select {
		case err = <-done:
		case sig := <-signals:
			g.log.Info("stopping during start", "signal", sig.String(), "service", s.name)
			signalled = true
			cancel()
			err = <-done
		}
		switch {
		case err != nil && signalled:
			return i, true, nil
		case err != nil:
			return i, false, fmt.Errorf("start %s: %w", s.name, err)
		case signalled:
			return i + 1, true, nil
		}
		g.log.Debug("started", "service", s.name, "duration", time.Since(begun))
	}
	return len(g.services), false, nil
}

func (g *Group) serve(ctx context.Context, signals <-chan os.Signal, failed <-chan error) (signalled bool, err error) {
	select {
	case <-ctx.Done():
		return false, nil
	case sig := <-signals:
		g.log.Info("signal received", "signal", sig.String(), "drain", g.opt.Drain)
		return true, nil
	case err := <-failed:
		return false, err
	}
}

func (g *Group) drain(ctx context.Context, signals <-chan os.Signal, failed <-chan error) error {
	if g.opt.Drain <= 0 {
		return nil
	}
	timer := time.NewTimer(g.opt.Drain)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case sig := <-signals:
		g.log.Info("second signal, drain cut short", "signal", sig.String())
	case err := <-failed:
		return err
	}
	return nil
}

func (g *Group) stop(ctx context.Context, started int) error {
	ctx, cancel := context.WithTimeout(ctx, g.opt.StopTimeout)
	defer cancel()
	var errs []error
	for i := started - 1; i >= 0; i-- {
		s := g.services[i]
		if err := s.service.Stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.name, err))
		}
		g.log.Debug("stopped", "service", s.name)
	}
	return errors.Join(errs...)
}

// watch brings the failures of all services into one channel until release is called.
func watch(services []named) (failed <-chan error, release func()) {
	out := make(chan error, len(services))
	end := make(chan struct{})
	var wg sync.WaitGroup
	for _, s := range services {
		f, ok := s.service.(Failer)
		if !ok {
			continue
		}
		wg.Go(func() {
			select {
			case err := <-f.Failed():
				if err != nil {
					out <- fmt.Errorf("%s: %w", s.name, err)
				}
			case <-end:
			}
		})
	}
	return out, func() { close(end); wg.Wait() }
}
