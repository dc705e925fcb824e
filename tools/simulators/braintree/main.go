// Command braintree simulates the Braintree gateway's XML API for development and tests: sales, settlement, voids, refunds
// and searches with the published test values, on one merchant, with its state on disk. No money moves and no card number
// is taken. See the README for what is real and what is not.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/httpapi"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/merchant"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/page"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/settlement"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/store"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/webhook"
)

const shutdownWithin = 5 * time.Second

type options struct {
	listen, data, id, public, private, accounts string
	settleAfter                                 time.Duration
	settings                                    merchant.Settings
	level                                       slog.Level
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // the flag set has said why
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: o.level}))
	if err := run(ctx, o, log); err != nil {
		log.Error("simulator ended", "error", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("braintree", flag.ContinueOnError)
	f.StringVar(&o.listen, "listen", "127.0.0.1:4001", "address to serve; port 0 takes a free one and prints it")
	f.StringVar(&o.data, "data", ".data/braintree", "folder of the journal")
	f.StringVar(&o.id, "merchant-id", "sidecart", "merchant id, part of every path")
	f.StringVar(&o.public, "public-key", "sidecart_public", "API public key (local use only)")
	f.StringVar(&o.private, "private-key", "sidecart_private", "API private key (local use only)")
	f.StringVar(&o.accounts, "merchant-accounts", "sidecart-usd=USD,sidecart-eur=EUR,sidecart-gbp=GBP,sidecart-jpy=JPY,sidecart-kwd=KWD", "merchant accounts, id=CUR; the first is the default")
	f.DurationVar(&o.settleAfter, "settle-after", 0, "settle what was submitted this long ago; 0 settles only on demand")
	f.StringVar(&o.settings.WebhookURL, "webhook-url", "", "where notifications are sent; empty: they wait")
	f.DurationVar(&o.settings.DuplicateWindow, "duplicate-window", merchant.DefaultDuplicateWindow, "window of the duplicate check; 0 switches it off")
	f.BoolVar(&o.settings.TestAmounts, "test-amounts", false, "let the documented sandbox amounts decide (2000.00 to 2999.99 are declined …)")
	f.TextVar(&o.level, "log-level", slog.LevelInfo, "debug, info, warn or error")
	err := f.Parse(args)
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
		_, _ = fmt.Fprintln(f.Output(), err)
	}
	return o, err
}

// run serves until ctx ends or the store fails. The address is printed on standard output once it is open.
func run(ctx context.Context, o options, log *slog.Logger) (err error) {
	accounts, err := merchant.ParseAccounts(o.accounts)
	if err != nil {
		return err
	}
	m, err := merchant.New(o.id, o.public, o.private, accounts, time.Now, o.settings)
	if err != nil {
		return err
	}
	st, err := store.Open(o.data, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := st.View(func(b *ledger.Book) { m.Turn(b.Clock().Ahead) }); err != nil {
		return err
	}
	handler, err := routes(st, m, o.settleAfter, log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Info("serving", "url", "http://"+listener.Addr().String(), "merchant", m.ID, "accounts", o.accounts, "settle_after", o.settleAfter)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sender := &webhook.Sender{Store: st, Merchant: m, Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, Log: log}
	var beside sync.WaitGroup
	beside.Go(func() { settlement.Run(ctx, st, m, o.settleAfter, log) })
	beside.Go(func() { sender.Run(ctx) })
	defer func() { cancel(); beside.Wait() }()
	return serve(ctx, listener, handler, st)
}

func routes(st *store.Store, m *merchant.Merchant, settleAfter time.Duration, log *slog.Logger) (http.Handler, error) {
	api := httpapi.New(st, m, log)
	api.SettleAfter = settleAfter
	home, err := page.New(st, m, api.Faults, log)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", api.Handler())
	mux.Handle("GET /{$}", home)
	return mux, nil
}

// serve ends with ctx, which also releases calls that a fault keeps waiting.
func serve(ctx context.Context, l net.Listener, h http.Handler, st *store.Store) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	var err error
	select {
	case err = <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-st.Failed():
		err = cmp.Or(st.Err(), errors.New("store failed"))
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.Background(), shutdownWithin)
	defer cancel()
	return errors.Join(err, server.Shutdown(late))
}
