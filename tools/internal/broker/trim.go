package broker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// floor is the first sequence that some app has not acknowledged, and the apps that stand there; ok is false when no app
// has ever subscribed.
func (s *store) floor(ctx context.Context, t *topic) (seq uint64, apps []string, ok bool) {
	consumers := t.stream.ListConsumers(ctx)
	for info := range consumers.Info() {
		next := info.AckFloor.Stream + 1
		switch {
		case !ok || next < seq:
			seq, apps, ok = next, []string{untoken(info.Name)}, true
		case next == seq:
			apps = append(apps, untoken(info.Name))
		}
	}
	if err := consumers.Err(); err != nil {
		s.log.Error("list consumers", slog.String("topic", t.name), slog.Any("error", err))
		return 0, nil, false
	}
	return seq, apps, ok
}

// trim makes room in a topic that is full: what every app has acknowledged goes; where no app ever subscribed (a
// dead-letter topic that nobody reads) the older half.
func (s *store) trim(ctx context.Context, t *topic) {
	info, err := t.stream.Info(ctx)
	if err != nil {
		s.log.Error("trim topic", slog.String("topic", t.name), slog.Any("error", err))
		return
	}
	purge := jetstream.WithPurgeKeep(info.State.Msgs / 2)
	if seq, _, ok := s.floor(ctx, t); ok {
		if seq <= info.State.FirstSeq {
			return
		}
		purge = jetstream.WithPurgeSequence(seq)
	} else if info.State.Consumers > 0 {
		return // the list could not be read: better full than lost
	}
	if err := t.stream.Purge(ctx, purge); err != nil {
		s.log.Error("trim topic", slog.String("topic", t.name), slog.Any("error", err))
		return
	}
	s.log.Info("topic was full: made room", slog.String("topic", t.name), slog.Uint64("events", info.State.Msgs))
}

func (s *store) holdUp(ctx context.Context, t *topic) string {
	seq, apps, ok := s.floor(ctx, t)
	if !ok {
		return "nobody"
	}
	return fmt.Sprintf("%s (nothing acknowledged from event %d on)", strings.Join(apps, ", "), seq)
}
