package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/internal/seed"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// shopPatience is how long the commands that fill and load a shop wait for a part of it that is away.
const shopPatience = 2 * time.Minute

// guest returns a client of the running shop.
func guest(base string) *shopclient.Client {
	c := shopclient.New(base)
	c.Patience = shopPatience
	return c
}

// staff returns a client that may do everything, with tokens of the shop's own key.
func staff(l shop.Layout, base string) (*shopclient.Client, error) {
	m, err := shop.ReadManifest(l.Manifest())
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var token string
	var minted time.Time
	return guest(base).As(func() (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(minted) > 5*time.Minute {
			fresh, err := shop.StaffToken(l, m.StaffScopes(), now)
			if err != nil {
				return "", err
			}
			token, minted = fresh, now
		}
		return token, nil
	}), nil
}

// seedShop fills the shop that runs at the layout's state folder.
func seedShop(ctx context.Context, l shop.Layout, base string, out io.Writer) error {
	clerk, err := staff(l, base)
	if err != nil {
		return err
	}
	return seed.Run(ctx, seed.Options{Guest: guest(base), Staff: clerk, Media: filepath.Join(l.Data, "media"),
		State: filepath.Join(l.Data, "seed.json"), Out: out}, seedshop.Catalogue())
}

func runSeed(ctx context.Context, args []string) error {
	set, parse := flags("seed")
	base := set.String("base", "", "base URL of the public API (default: the running shop's)")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	at, err := baseURL(layout, *base)
	if err != nil {
		return err
	}
	return seedShop(ctx, layout, at, os.Stdout)
}

// baseURL is where the public API is: as said, or that of the running shop.
func baseURL(l shop.Layout, said string) (string, error) {
	if said != "" {
		return said, nil
	}
	st, err := shop.Running(l)
	return st.Gateway, err
}
