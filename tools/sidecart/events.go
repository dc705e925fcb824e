package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// letters is one app's dead letters of one topic.
type letters struct{ topic, app string }

// subscribed lists who takes in what.
func subscribed() []letters {
	return []letters{
		{"catalog", "cart"}, {"catalog", "pricing"}, {"inventory", "cart"}, {"inventory", "catalog"}, {"inventory", "checkout"},
		{"pricing", "catalog"}, {"order", "cart"}, {"order", "checkout"}, {"order", "pricing"},
	}
}

// runEvents puts dead letters back. Mind that the broker takes an event that it saw within its dedupe window (a minute) for a
// repetition: fix the cause first, and wait a minute before replaying what has just died.
func runEvents(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "replay" {
		return errors.New("events: want: events replay [flags]")
	}
	set, parse := flags("events replay")
	topic := set.String("topic", "", "only the dead letters of this topic")
	app := set.String("app", "", "only those of this service")
	limit := set.Int("max", 0, "how many of each at most; 0: all that are there")
	idle := set.Duration("idle", 3*time.Second, "when nothing came for so long, there is no more")
	layout, err := parse(args[1:], 0)
	if err != nil {
		return err
	}
	st, err := shop.Running(layout)
	if err != nil {
		return err
	}
	manifest, err := shop.ReadManifest(layout.Manifest())
	if err != nil {
		return err
	}
	secrets, err := shop.LoadSecrets(layout, manifest)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range subscribed() {
		if (*topic != "" && l.topic != *topic) || (*app != "" && l.app != *app) {
			continue
		}
		g.Go(func() error {
			n, err := replay(ctx, st, secrets, l, daprkit.DeadLetters{Topic: l.topic, AppID: l.app, Max: *limit, Idle: *idle})
			if n > 0 || err != nil {
				fmt.Printf("%s: %d put back\n", daprkit.DeadLetterTopic(l.topic, l.app), n)
			}
			return err
		})
	}
	return g.Wait()
}

// replay goes through the sidecar of the topic's owner: no other may publish there, and the owner itself reads no dead letters,
// so that the broker's memory of what was taken is this command's own.
func replay(ctx context.Context, st shop.State, secrets shop.Secrets, l letters, d daprkit.DeadLetters) (int, error) {
	for _, s := range st.Services {
		if s.ID != l.topic {
			continue
		}
		log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		client, err := daprkit.Connect(ctx, daprkit.Config{GRPCAddr: s.SidecarGRPC, HTTPAddr: strings.TrimPrefix(s.Sidecar, "http://"),
			APIToken: secrets.DaprAPIToken, AppID: l.topic}, log)
		if err != nil {
			return 0, err
		}
		defer client.Close()
		return client.ReplayDead(ctx, d)
	}
	return 0, fmt.Errorf("events: %s does not run", l.topic)
}
