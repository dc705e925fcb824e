package main

import (
	"errors"

	"github.com/sidecart/sidecart/pkg/boot"
)

type config struct {
	boot.Base
	LowStock int64  `env:"SIDECART_LOW_STOCK" envDefault:"5" doc:"With so many pieces in stock or fewer a SKU counts as low, until there is twice as much again; a SKU may have a rule of its own"`
	Routing  string `env:"SIDECART_ROUTING" envDefault:"priority" doc:"Which locations serve an order first, after those in its country: priority, or nearest"`
	Queue    int    `env:"SIDECART_HOLD_QUEUE" envDefault:"2000" doc:"How many calls may wait for one SKU before others are sent to the waiting room"`
}

// Validate checks the settings that have bounds.
func (c config) Validate() error {
	errs := []error{c.Base.Validate()}
	if c.LowStock < 1 || c.LowStock > 1_000_000_000 {
		errs = append(errs, errors.New("SIDECART_LOW_STOCK is not from 1 to 1000000000"))
	}
	if c.Routing != "priority" && c.Routing != "nearest" {
		errs = append(errs, errors.New("SIDECART_ROUTING is neither priority nor nearest"))
	}
	if c.Queue < 1 {
		errs = append(errs, errors.New("SIDECART_HOLD_QUEUE is not 1 or more"))
	}
	return errors.Join(errs...)
}
