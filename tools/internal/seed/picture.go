package seed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sidecart/sidecart/tools/internal/seedshop"
)

// pictureURL is where the gateway serves a picture: a path on this shop.
func pictureURL(slug, key string) string { return "/media/seed/" + slug + "/" + key + ".svg" }

// pictures draws the pictures into the media folder, one call for each product. What is there already stays untouched.
func (r *runner) pictures() (calls []call) {
	if r.Media == "" {
		return nil
	}
	for _, p := range r.shop.Products {
		calls = append(calls, func(context.Context) error {
			dir := filepath.Join(r.Media, "seed", p.Slug)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			for _, i := range p.Images {
				svg := seedshop.Picture(p.Slug, i.Key)
				if svg == nil {
					return fmt.Errorf("product %s has no drawing %q", p.Slug, i.Key)
				}
				if err := write(filepath.Join(dir, i.Key+".svg"), svg); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return calls
}

// write replaces a file whole or not at all, and only if it differs.
func write(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
