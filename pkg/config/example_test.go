package config_test

import (
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/config"
)

func ExampleLoad() {
	type settings struct {
		HoldTTL  time.Duration `env:"SIDECART_HOLD_TTL" envDefault:"15m"`
		Database config.Secret `env:"SIDECART_DATABASE_URL,required"`
	}
	c, err := config.Load[settings]([]string{"SIDECART_DATABASE_URL=postgres://me:secret@db/x"})
	fmt.Println(c.HoldTTL, c.Database, err)

	_, err = config.Load[settings]([]string{"SIDECART_HOLD_TLL=20m"})
	fmt.Println(err)
	// Output:
	// 15m0s [redacted] <nil>
	// 2 faults in the configuration:
	//   SIDECART_HOLD_TLL is not a setting of this program
	//   SIDECART_DATABASE_URL is required
}
