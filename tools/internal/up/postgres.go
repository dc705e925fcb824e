package up

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/internal/pgserver"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// postgres keeps the private server running: it is started again, on its port, whenever it dies.
type postgres struct {
	opt  pgserver.Options
	out  *printer
	quit chan struct{}
	done chan struct{}

	mu     sync.Mutex
	server *pgserver.Server
}

// startPostgres brings up the server with a database for each service and each component that needs one.
func (r *runner) startPostgres(ctx context.Context) error {
	begin := time.Now()
	p := &postgres{
		out:  r.out,
		quit: make(chan struct{}), done: make(chan struct{}),
		opt: pgserver.Options{Dir: r.opt.Layout.Postgres(), Port: r.shop.Ports.Of(shop.PostgresPort), Progress: r.out},
	}
	server, err := pgserver.Start(ctx, p.opt)
	if err != nil {
		return err
	}
	p.server = server
	r.pg, r.shop.DatabaseURL = p, databaseURL(server)
	go p.keep()
	for _, name := range r.databases() {
		if err := server.EnsureDatabase(ctx, name); err != nil {
			return err
		}
	}
	r.out.say("postgres %s (%s)", server.Version(), time.Since(begin).Round(100*time.Millisecond))
	return nil
}

// databaseURL gives each database's owner, and the superuser for the server's own.
func databaseURL(server *pgserver.Server) func(string) string {
	return func(database string) string {
		if database == "postgres" {
			return server.URL(database)
		}
		return server.OwnerURL(database)
	}
}

func (r *runner) databases() []string {
	names := []string{shop.CartsDatabase, shop.ActorsDatabase}
	for _, a := range r.shop.Manifest.Apps {
		if a.HasDatabase() {
			names = append(names, a.Database())
		}
	}
	return names
}

// keep starts the server again until it is told to quit. A server that cannot start (a full disk) is tried for ever:
// the services wait for it, and the person is told each time.
func (p *postgres) keep() {
	defer close(p.done)
	for {
		select {
		case <-p.quit:
			return
		case <-p.current().Done():
		}
		p.out.say("postgres ended; it starts again; its last lines:\n%s", p.current().LogTail(10))
		_ = p.current().Stop() // it is gone: this frees its folder
		if !p.again() {
			return
		}
	}
}

// again tries until the server runs or the shop stops; false means the latter.
func (p *postgres) again() bool {
	delay := 200 * time.Millisecond
	for {
		ctx, cancel := context.WithCancel(context.Background())
		stopWaiting := make(chan struct{})
		go func() {
			select {
			case <-p.quit:
				cancel()
			case <-stopWaiting:
			}
		}()
		server, err := pgserver.Start(ctx, p.opt)
		close(stopWaiting)
		cancel()
		if err == nil {
			p.mu.Lock()
			p.server = server
			p.mu.Unlock()
			p.out.say("postgres is back")
			return true
		}
		p.out.say("postgres does not start, next try in %s: %v", delay, err)
		timer := time.NewTimer(delay)
		select {
		case <-p.quit:
			timer.Stop()
			return false
		case <-timer.C:
		}
		delay = min(2*delay, 10*time.Second)
	}
}

func (p *postgres) current() *pgserver.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}

func (p *postgres) stop() error {
	close(p.quit)
	<-p.done
	select {
	case <-p.current().Done():
		return nil // it was away at this moment
	default:
	}
	if err := p.current().Stop(); err != nil {
		return fmt.Errorf("postgres: %w", errors.Unwrap(err))
	}
	return nil
}
