package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/tools/internal/infra"
	"github.com/sidecart/sidecart/tools/internal/owndisk"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// do lets a fault take place, and returns when it is over.
func (r *run) do(ctx context.Context, f fault) error {
	r.say("%s", f)
	switch f.kind {
	case killed, outage:
		return r.kill(f.on)
	case frozen:
		return r.freeze(ctx, f)
	case repeated:
		return r.tellAgain(ctx, f)
	case wiped:
		return r.wipe(ctx)
	case provider:
		return r.provider(ctx, f)
	case network:
		r.proxy.disturb(true)
		defer r.proxy.disturb(false)
		wait(ctx, f.lasts)
		return nil
	case hurried:
		return r.hurry(ctx, f)
	case full:
		return r.fill(ctx, f)
	}
	panic("no such fault: " + string(f.kind))
}

// short bounds what a fault asks of the shop, which may not answer.
const short = 5 * time.Second

var errNothing = errors.New("there was nothing that it could happen to")

// change runs a statement in a database of the shop, which has to change something.
func change(ctx context.Context, url, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx)) //nolint:errcheck // its work is done
	tag, err := c.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() == 0 {
		err = errNothing
	}
	return err
}

// wipe deletes everything from the carts' state store.
func (r *run) wipe(ctx context.Context) error {
	if r.State.Profile == shop.Embedded {
		return change(ctx, strings.Replace(r.State.Server, "/postgres?", "/dapr_carts?", 1), `DELETE FROM state`)
	}
	password, err := r.Layout.ServersPassword()
	if err != nil {
		return err
	}
	c := infra.RedisOf(r.Layout, r.State.Ports, shop.CartsRedisServer, password).Client()
	defer c.Close() //nolint:errcheck // its work is done
	if n, err := c.DBSize(ctx).Result(); err != nil || n == 0 {
		return errors.Join(errNothing, err)
	}
	return c.FlushAll(ctx).Err()
}

// hurry turns the clock of a third of the living holds on, to their end.
func (r *run) hurry(ctx context.Context, f fault) error {
	return change(ctx, r.State.Databases["inventory"], `
		UPDATE stock_holds SET expires_at = now() WHERE expires_at > now() AND (hashtext(id)::bigint + 2147483648) % 3 = $1`, f.seed%3)
}

// events is how many of a service's latest are told again.
const events = 300

const latestSQL = `SELECT jsonb_build_object('specversion', '1.0', 'id', id, 'type', type, 'source', topic, 'subject', subject, 'time', time,
	'datacontenttype', 'application/json', 'data', data) FROM outbox WHERE topic = $1 AND sent_at IS NOT NULL ORDER BY created_at DESC LIMIT $2`

// tellAgain publishes the latest events of a service once more, each twice, in an order drawn by dice.
func (r *run) tellAgain(ctx context.Context, f fault) error {
	ctx, cancel := context.WithTimeout(ctx, 2*short)
	defer cancel()
	c, err := pgx.Connect(ctx, r.State.Databases[f.on])
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx)) //nolint:errcheck // its work is done
	var tells bool
	if err := c.QueryRow(ctx, `SELECT to_regclass('outbox') IS NOT NULL`).Scan(&tells); err != nil || !tells {
		return errors.Join(errNothing, err) // it only listens
	}
	rows, err := c.Query(ctx, latestSQL, f.on, events)
	if err != nil {
		return err
	}
	once, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	if err == nil && len(once) == 0 {
		err = errNothing
	}
	if err != nil {
		return err
	}
	type entry struct {
		ID          string          `json:"entryId"`
		Event       json.RawMessage `json:"event"`
		ContentType string          `json:"contentType"`
	}
	var all []entry
	for i, event := range append(once, once...) {
		all = append(all, entry{fmt.Sprint(i), event, "application/cloudevents+json"})
	}
	rand.New(rand.NewPCG(f.seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	// The embedded broker drops what it saw a moment ago, unless it is told not to.
	return r.askSidecar(ctx, f.on, "/v1.0-alpha1/publish/bulk/"+daprkit.PubSub+"/"+f.on+"?metadata.dedupe=false", all)
}

// askSidecar posts to a service's own sidecar, as the service may.
func (r *run) askSidecar(ctx context.Context, service, path string, body any) error {
	token, err := r.Layout.DaprToken()
	if err != nil {
		return err
	}
	for _, s := range r.State.Services {
		if s.ID == service {
			return send(ctx, http.MethodPost, s.Sidecar+path, body, nil, "dapr-api-token", token)
		}
	}
	return fmt.Errorf("there is no service %s", service)
}

// provider lets the payment provider fail in one way for a while.
func (r *run) provider(ctx context.Context, f fault) error {
	dice := rand.New(rand.NewPCG(f.seed, 0))
	at := r.State.Simulator["braintree"] + "/_sim/faults"
	var made struct {
		ID int64 `json:"id"`
	}
	err := send(ctx, http.MethodPost, at, map[string]any{"kind": f.how, "operation": "*", "rate": 0.2 + 0.8*dice.Float64(),
		"delay": fmt.Sprint(time.Duration(1+dice.IntN(14)) * time.Second), "seed": f.seed >> 1}, &made)
	if err != nil {
		return err
	}
	defer func() {
		// One that was killed meanwhile has forgotten it, and one that is frozen must be told when it goes on.
		for ctx, deadline := context.WithoutCancel(ctx), time.Now().Add(freezeMost+2*short); time.Now().Before(deadline); time.Sleep(time.Second) {
			if err := send(ctx, http.MethodDelete, fmt.Sprint(at, "/", made.ID), nil, nil); err == nil || errors.Is(err, errNotThere) {
				return
			}
		}
		r.say("%s: it could not be ended", f)
	}()
	wait(ctx, f.lasts)
	return nil
}

var errNotThere = errors.New("there is no such thing")

// send makes a call, and decodes what it answers into out unless that is nil. Headers are pairs.
func send(ctx context.Context, method, url string, in, out any, headers ...string) error {
	ctx, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read whole
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusNotFound:
		return errNotThere
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("%s %s: %s %.200s", method, url, resp.Status, answer)
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}

// fill takes all that is left on the disk of the databases, and what is freed there meanwhile, and gives it back.
func (r *run) fill(ctx context.Context, f fault) error {
	ctx, cancel := context.WithTimeout(ctx, f.lasts)
	defer cancel()
	for n := 0; ctx.Err() == nil; n++ {
		back, err := owndisk.Fill(filepath.Join(r.Layout.Postgres(), fmt.Sprint("ballast-", n)))
		if err != nil {
			return err
		}
		defer back()
		wait(ctx, 200*time.Millisecond)
	}
	return nil
}
