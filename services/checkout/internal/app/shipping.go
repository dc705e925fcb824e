package app

import (
	"bytes"
	_ "embed" // the rates of version 1
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
)

//go:embed shipping_v1.yaml
var shippingV1 []byte

// ratesFile is the form of a shipping file. Unknown members are faults.
type ratesFile struct {
	Version int `yaml:"version"`
	Zones   []struct {
		ID          string     `yaml:"id"`
		Countries   []string   `yaml:"countries"`
		Regions     []string   `yaml:"regions"`
		PostalCodes []string   `yaml:"postal_codes"`
		Services    []fileRate `yaml:"services"`
	} `yaml:"zones"`
}

type fileRate struct {
	ID           string            `yaml:"id"`
	Carrier      string            `yaml:"carrier"`
	Service      string            `yaml:"service"`
	Label        string            `yaml:"label"`
	TaxCategory  string            `yaml:"tax_category"`
	Days         [2]int            `yaml:"days"`
	Prices       map[string]string `yaml:"prices"`
	ByWeight     []fileRow         `yaml:"by_weight"`
	ByValue      []fileRow         `yaml:"by_value"`
	FreeFrom     map[string]string `yaml:"free_from"`
	ExcludedSKUs []string          `yaml:"excluded_skus"`
}

type fileRow struct {
	UpTo   int64             `yaml:"up_to_grams"`
	Below  map[string]string `yaml:"below"`
	Prices map[string]string `yaml:"prices"`
}

func rows(all []fileRow) (defs []checkout.RowDef) {
	for _, r := range all {
		defs = append(defs, checkout.RowDef(r))
	}
	return defs
}

// Rates reads the shipping file at path, or the built-in rates when path is empty. All faults come at once.
func Rates(path string) (*checkout.Rates, error) {
	if path == "" {
		return ParseRates(shippingV1)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("shipping rates: %w", err)
	}
	rates, err := ParseRates(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rates, nil
}

// ParseRates reads a shipping file strictly.
func ParseRates(data []byte) (*checkout.Rates, error) {
	var f ratesFile
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("shipping rates: %w", err)
	}
	def := checkout.RatesDef{Version: f.Version}
	for _, z := range f.Zones {
		zone := checkout.ZoneDef{ID: z.ID, Countries: z.Countries, Regions: z.Regions, PostalCodes: z.PostalCodes}
		for _, s := range z.Services {
			zone.Services = append(zone.Services, checkout.ServiceDef{ID: s.ID, Carrier: s.Carrier, Service: s.Service, Label: s.Label,
				TaxCategory: s.TaxCategory, FromDays: s.Days[0], ToDays: s.Days[1], Prices: s.Prices,
				ByWeight: rows(s.ByWeight), ByValue: rows(s.ByValue), FreeFrom: s.FreeFrom, ExcludedSKUs: s.ExcludedSKUs})
		}
		def.Zones = append(def.Zones, zone)
	}
	return checkout.NewRates(def)
}
