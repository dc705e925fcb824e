package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/order"
)

// extensionFile is the form of a merchant's file. Unknown members are faults.
type extensionFile struct {
	Version int `yaml:"version"`
	Extends int `yaml:"extends"`
	States  []struct {
		Name              string `yaml:"name"`
		Like              string `yaml:"like"`
		Status            string `yaml:"status"`
		FulfillmentStatus string `yaml:"fulfillment_status"`
		Note              string `yaml:"note"`
	} `yaml:"states"`
	Guards []struct {
		Name string        `yaml:"name"`
		When conditionFile `yaml:"when"`
	} `yaml:"guards"`
	Transitions []struct {
		Name     string   `yaml:"name"`
		Event    string   `yaml:"event"`
		From     []string `yaml:"from"`
		To       string   `yaml:"to"`
		Guard    string   `yaml:"guard"`
		Wait     int      `yaml:"wait"`
		Announce bool     `yaml:"announce"`
		Staff    bool     `yaml:"staff"`
	} `yaml:"transitions"`
}

type conditionFile struct {
	TotalAbove     map[money.Currency]int64 `yaml:"total_above"`
	Countries      []string                 `yaml:"country"`
	ShippingOption []string                 `yaml:"shipping_option"`
	Registered     *bool                    `yaml:"registered"`
	Noted          *bool                    `yaml:"noted"`
	SKUs           []string                 `yaml:"line_sku"`
	Metadata       map[string][]any         `yaml:"line_metadata"`
	Not            *conditionFile           `yaml:"not"`
}

func (f conditionFile) condition() order.Condition {
	c := order.Condition{TotalAbove: f.TotalAbove, Countries: f.Countries, ShippingOption: f.ShippingOption, Registered: f.Registered, Noted: f.Noted, SKUs: f.SKUs}
	for name, values := range f.Metadata {
		if c.Metadata == nil {
			c.Metadata = map[string][]any{}
		}
		c.Metadata[name] = []any{}
		for _, v := range values {
			if n, ok := v.(int); ok {
				v = float64(n) // as JSON has numbers
			}
			c.Metadata[name] = append(c.Metadata[name], v)
		}
	}
	if f.Not != nil {
		not := f.Not.condition()
		c.Not = &not
	}
	return c
}

// ParseExtension reads a merchant's file strictly and compiles the machine that it makes of the built-in one; all faults come at once.
func ParseExtension(data []byte) (*order.Machine, error) {
	var f extensionFile
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one document")
	}
	x := order.Extension{Version: f.Version, Extends: f.Extends}
	for _, s := range f.States {
		x.States = append(x.States, order.StateAdd{Name: order.State(s.Name), Like: order.State(s.Like), Status: s.Status, FulfillmentStatus: s.FulfillmentStatus, Note: s.Note})
	}
	for _, g := range f.Guards {
		x.Guards = append(x.Guards, order.GuardDef{Name: g.Name, When: g.When.condition()})
	}
	for _, t := range f.Transitions {
		row := order.TransitionDef{Name: t.Name, Event: order.EventName(t.Event), To: order.State(t.To), Guard: t.Guard, Staff: t.Staff}
		for _, from := range t.From {
			row.From = append(row.From, order.State(from))
		}
		if t.Wait != 0 {
			row.Effects = []order.EffectDef{{Kind: order.Wait, Later: t.Wait}}
		}
		if t.Announce {
			row.Announce = order.AnnounceAdvanced
		}
		x.Transitions = append(x.Transitions, row)
	}
	base, err := Machine()
	if err != nil {
		return nil, err
	}
	def, err := order.Extend(base.Definition(), x)
	if err != nil {
		return nil, err
	}
	return order.Compile(def)
}

// Machines are all state machines that orders may be under.
type Machines struct {
	current   *order.Machine // of new orders
	byVersion map[int]*order.Machine
	prints    map[int]string // of those that come from files: what the file said
}

// BuiltIn are the machines without any file.
func BuiltIn() (Machines, error) {
	m, err := Machine()
	return Machines{current: m, byVersion: map[int]*order.Machine{m.Version(): m}, prints: map[int]string{}}, err
}

// MachineFiles is a setting: a file that extends the built-in machine, or a folder of them, which are read with the settings. New orders
// are placed under the highest version.
type MachineFiles struct{ read Machines }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *MachineFiles) UnmarshalText(text []byte) (err error) {
	f.read, err = ReadMachines(string(text))
	return err
}

// Machines returns those of the files, or without any those that are built in.
func (f MachineFiles) Machines() (Machines, error) {
	if f.read.current == nil {
		return BuiltIn()
	}
	return f.read, nil
}

// ReadMachines reads the file or the folder of files at path; without one there are the built-in machines alone. All faults of all
// files come at once.
func ReadMachines(path string) (Machines, error) {
	all, err := BuiltIn()
	if err != nil || path == "" {
		return all, err
	}
	files := []string{path}
	info, err := os.Stat(path)
	if err != nil {
		return all, fmt.Errorf("order machines: %w", err)
	}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.yaml")); err == nil && len(files) == 0 {
			err = fmt.Errorf("order machines: %s holds no file *.yaml", path)
		}
		if err != nil {
			return all, err
		}
	}
	var faults []error
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil {
			err = all.add(data)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("order machine %s: %w", file, err))
		}
	}
	return all, errors.Join(faults...)
}

func (a *Machines) add(data []byte) error {
	m, err := ParseExtension(data)
	if err != nil {
		return err
	}
	if a.byVersion[m.Version()] != nil {
		return fmt.Errorf("version %d is given twice", m.Version())
	}
	said, err := fingerprint(data)
	if err != nil {
		return err
	}
	a.byVersion[m.Version()], a.prints[m.Version()] = m, said
	if m.Version() > a.current.Version() {
		a.current = m
	}
	return nil
}

// fingerprint tells whether a file says the same: comments, order of members and spaces do not count.
func fingerprint(data []byte) (string, error) {
	var said any
	if err := yaml.Unmarshal(data, &said); err != nil {
		return "", err
	}
	text, err := json.Marshal(plain(said))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// plain is what YAML says as JSON has it, which knows neither names that are no texts nor numbers that are not finite.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = plain(value)
		}
	case map[any]any:
		named := make(map[string]any, len(v))
		for name, value := range v {
			named[fmt.Sprint(name)] = plain(value)
		}
		return named
	case []any:
		for i, value := range v {
			v[i] = plain(value)
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	}
	return v
}

// Current is the machine of new orders.
func (a Machines) Current() *order.Machine { return a.current }

// Of returns the machine of a version, nil if it is not known.
func (a Machines) Of(version int) *order.Machine { return a.byVersion[version] }

// All returns them by version, the newest first.
func (a Machines) All() []*order.Machine {
	all := make([]*order.Machine, 0, len(a.byVersion))
	for _, m := range a.byVersion {
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y *order.Machine) int { return y.Version() - x.Version() })
	return all
}

// Prints returns, of each version, what its file said, as a fingerprint; "" of those that are built in.
func (a Machines) Prints() map[int]string {
	prints := map[int]string{}
	for version := range a.byVersion {
		prints[version] = a.prints[version]
	}
	return prints
}
