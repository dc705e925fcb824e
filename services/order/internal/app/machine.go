package app

import (
	"bytes"
	_ "embed" // the machine of version 1
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/sidecart/sidecart/services/order/internal/order"
)

//go:embed machine_v1.yaml
var machineV1 []byte

// machineFile is the form of a machine's file. Unknown members are faults.
type machineFile struct {
	Version int `yaml:"version"`
	States  []struct {
		Name              string `yaml:"name"`
		Status            string `yaml:"status"`
		PaymentStatus     string `yaml:"payment_status"`
		FulfillmentStatus string `yaml:"fulfillment_status"`
		Final             bool   `yaml:"final"`
		Note              string `yaml:"note"`
	} `yaml:"states"`
	Transitions []struct {
		Name    string   `yaml:"name"`
		Event   string   `yaml:"event"`
		From    []string `yaml:"from"`
		To      string   `yaml:"to"`
		Guard   string   `yaml:"guard"`
		Apply   []string `yaml:"apply"`
		Effects []struct {
			Kind  string `yaml:"kind"`
			Later int    `yaml:"later"`
		} `yaml:"effects"`
		Announce string `yaml:"announce"`
		Staff    bool   `yaml:"staff"`
	} `yaml:"transitions"`
}

// Machine returns the built-in state machine.
func Machine() (*order.Machine, error) { return ParseMachine(machineV1) }

// ParseMachine reads a machine's file strictly and compiles it; all faults come at once.
func ParseMachine(data []byte) (*order.Machine, error) {
	var f machineFile
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("order machine: %w", err)
	}
	def := order.Definition{Version: f.Version}
	for _, s := range f.States {
		def.States = append(def.States, order.StateDef{Name: order.State(s.Name), Status: s.Status, PaymentStatus: s.PaymentStatus,
			FulfillmentStatus: s.FulfillmentStatus, Final: s.Final, Note: s.Note})
	}
	for _, t := range f.Transitions {
		row := order.TransitionDef{Name: t.Name, Event: order.EventName(t.Event), To: order.State(t.To), Guard: t.Guard, Apply: t.Apply,
			Announce: order.Announcement(t.Announce), Staff: t.Staff}
		for _, from := range t.From {
			row.From = append(row.From, order.State(from))
		}
		for _, e := range t.Effects {
			row.Effects = append(row.Effects, order.EffectDef{Kind: order.EffectKind(e.Kind), Later: e.Later})
		}
		def.Transitions = append(def.Transitions, row)
	}
	return order.Compile(def)
}
