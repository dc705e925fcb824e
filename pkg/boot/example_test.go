package boot_test

import (
	"context"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/httpx"
)

type clockSettings struct {
	boot.Base
	Zone string `env:"SIDECART_ZONE" envDefault:"UTC" doc:"Whose time it tells"`
}

type clockOutput struct {
	Body struct {
		Time time.Time `json:"time"`
	}
}

func buildClock(_ context.Context, p *boot.Process, c clockSettings) error {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return err
	}
	server := p.Server()
	httpx.Register(server, huma.Operation{Method: "GET", Path: "/v1/time", Summary: "Tell the time"},
		func(context.Context, *struct{}) (*clockOutput, error) {
			out := &clockOutput{}
			out.Body.Time = time.Now().In(zone)
			return out, nil
		})
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}

// A main is boot.Main(clock); here the program is run with a wrong command instead.
func ExampleProgram() {
	clock := boot.Program[clockSettings]{Name: "clock", Version: "1.0.0", Build: buildClock}
	clock.Run(context.Background(), []string{"tick"}, nil, os.Stdout, os.Stdout)
	clock.Run(context.Background(), nil, []string{"SIDECART_ZON=x"}, os.Stdout, os.Stdout)
	// Output:
	// usage: clock [serve | migrate | check-config]
	// clock: 1 faults in the configuration:
	//   SIDECART_ZON is not a setting of this program
}
