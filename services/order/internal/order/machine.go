// Package order is the core of order: the state machine of an order and the one function that decides what an event does to
// it. It is pure: no clock, no database, no calls. What has to happen in the world comes back as effects, which a driver
// performs after the decision was committed; their answers come in as the next events.
//
//	event ──► Decide(order, event, now) ──► changed order + effects + announcements
//	              ▲                                   │
//	              └────── answer of the effect ◄──────┘ (driver, later, perhaps after a crash)
//
// Which transitions there are is data (see Definition); what a transition means is a named function here. A machine is checked
// whole when it is compiled: every state can be reached and left, every name exists.
package order

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
)

// State is the name of a state in a Definition.
type State string

// New is the state of an order that does not exist yet. Every machine starts there.
const New State = "new"

// Definition is a state machine as data. Version is kept with each order, so that it goes on under the machine it was placed
// under.
type Definition struct {
	Version     int
	States      []StateDef
	Transitions []TransitionDef
	Guards      map[string]Condition // of a merchant's file, beside those that are built in
}

// StateDef describes a state. Status, PaymentStatus and FulfillmentStatus are what the world sees; an empty Status means that
// the order is not shown at all. Final states have no way out, all others must.
type StateDef struct {
	Name              State
	Status            string
	PaymentStatus     string
	FulfillmentStatus string
	Final             bool
	Note              string
}

// TransitionDef is one row of the table. Of the rows with the same event and source, the first whose guard holds is taken.
// After its To state the effects are scheduled and the announcements published; without To the order stays where it is. Staff
// says that staff may ask for it by name.
type TransitionDef struct {
	Name     string
	Event    EventName
	From     []State
	To       State
	Guard    string
	Apply    []string
	Effects  []EffectDef
	Announce Announcement
	Staff    bool
}

// Dest returns where the row leads from a state.
func (t TransitionDef) Dest(from State) State {
	if t.To == "" {
		return from
	}
	return t.To
}

// EffectDef schedules an effect. Later delays it, in seconds: the answer before was such that trying at once makes no sense.
type EffectDef struct {
	Kind  EffectKind
	Later int
}

// Machine is a Definition that was checked and indexed.
type Machine struct {
	def    Definition
	states map[State]StateDef
	rows   map[rowKey][]*TransitionDef
}

type rowKey struct {
	event EventName
	from  State
}

// Compile checks a definition and reports all its faults at once.
func Compile(def Definition) (*Machine, error) {
	m := &Machine{def: def, states: map[State]StateDef{}, rows: map[rowKey][]*TransitionDef{}}
	var c fault.Collector
	c.Check(def.Version > 0, "version", "must be above zero", def.Version)
	for i, s := range def.States {
		at := fmt.Sprintf("states[%d]", i)
		_, twice := m.states[s.Name]
		c.Check(s.Name != "" && !twice, at+".name", "must be given and unique", string(s.Name))
		m.states[s.Name] = s
	}
	_, ok := m.states[New]
	c.Check(ok, "states", `must hold "new"`, nil)
	names := map[string]bool{}
	for i := range def.Transitions {
		t, at := &def.Transitions[i], fmt.Sprintf("transitions[%d]", i)
		c.Check(t.Name != "" && !names[t.Name], at+".name", "must be given and unique", t.Name)
		names[t.Name] = true
		m.add(&c, at, t)
	}
	m.checkWays(&c)
	m.checkEffects(&c)
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("order machine version %d: %w", def.Version, err)
	}
	return m, nil
}

func (m *Machine) add(c *fault.Collector, at string, t *TransitionDef) {
	c.Check(slices.Contains(Events, t.Event), at+".event", "is none of: "+join(Events), string(t.Event))
	c.Check(len(t.From) > 0, at+".from", "must name a state", nil)
	for j, from := range t.From {
		s, ok := m.states[from]
		c.Check(ok, fmt.Sprintf("%s.from[%d]", at, j), "is not a state", string(from))
		c.Check(!s.Final || from == t.Dest(from), fmt.Sprintf("%s.from[%d]", at, j), "is a final state", string(from))
		rows := m.rows[rowKey{t.Event, from}]
		c.Check(len(rows) == 0 || rows[len(rows)-1].Guard != "", at, "can never be taken: an earlier row without a guard takes its event", t.Name)
		m.rows[rowKey{t.Event, from}] = append(rows, t)
	}
	_, ok := m.states[t.To]
	c.Check(ok || t.To == "", at+".to", "is not a state", string(t.To))
	_, built := guards[t.Guard]
	_, own := m.def.Guards[t.Guard]
	c.Check(built || own, at+".guard", "is not a guard", t.Guard)
	for j, name := range t.Apply {
		_, ok := appliers[name]
		c.Check(ok, fmt.Sprintf("%s.apply[%d]", at, j), "is not an action", name)
	}
	c.Check(len(t.Effects) <= 1, at+".effects", "an order has at most one live effect", nil)
	for j, e := range t.Effects {
		c.Check(slices.Contains(EffectKinds, e.Kind), fmt.Sprintf("%s.effects[%d].kind", at, j), "is none of: "+join(EffectKinds), string(e.Kind))
		c.Check(e.Later >= 0, fmt.Sprintf("%s.effects[%d].later", at, j), "must not be negative", e.Later)
	}
	c.Check(slices.Contains(Announcements, t.Announce), at+".announce", "is none of: "+join(Announcements), string(t.Announce))
}

// checkWays finds states that cannot be reached from New, and states from which no final state can be reached however the guards
// decide (I8): whatever an order holds there would stay.
func (m *Machine) checkWays(c *fault.Collector) {
	forward, back := map[State][]State{}, map[State][]State{}
	for _, t := range m.def.Transitions {
		for _, from := range t.From {
			to := t.Dest(from)
			forward[from] = append(forward[from], to)
			if t.Guard == "" || from == New {
				back[to] = append(back[to], from)
			}
		}
	}
	var finals []State
	for _, s := range m.def.States {
		if s.Final {
			finals = append(finals, s.Name)
		}
	}
	reached, leads := walk(forward, New), walk(back, finals...)
	for i, s := range m.def.States {
		at := fmt.Sprintf("states[%d]", i)
		c.Check(reached[s.Name], at, "cannot be reached", string(s.Name))
		c.Check(leads[s.Name], at, "has no way to a final state that no guard closes", string(s.Name))
	}
}

// answersOf are the answers of each effect. A state that waits for it has to take them all.
var answersOf = map[EffectKind][]EventName{
	Authorise: {Authorised, AuthoriseDeclined, AuthoriseFailed}, Allocate: {Allocated, AllocateShort, AllocateRefused, CartTaken}, Void: {Voided, VoidRefused},
	Capture: {CaptureDone, CaptureDeclined, CaptureFailed}, ReturnMoney: {MoneyReturned, MoneyReturnFailed}, Release: {Released}, GiveBack: {Refunded, RefundUnsettled, RefundRefused}, TakeMore: {MoreTaken, MoreRefused}, Charge: {Charged, ChargeRefused}, GiveLess: {LessGiven}, Wait: {TimePassed},
}

// checkEffects finds states that are entered with one effect or another, and such as do not take each answer of theirs. A refund goes on beside
// states, and no state waits for it.
func (m *Machine) checkEffects(c *fault.Collector) {
	entered := map[State]EffectKind{}
	seen := map[State]bool{}
	for i, t := range m.def.Transitions {
		kind := EffectKind("")
		if len(t.Effects) > 0 && t.Effects[0].Kind != GiveBack {
			kind = t.Effects[0].Kind
		}
		for _, from := range t.From {
			if to := t.Dest(from); to != from {
				c.Check(!seen[to] || entered[to] == kind, fmt.Sprintf("transitions[%d].effects", i), "must be that of the other rows into "+string(to), string(kind))
				entered[to], seen[to] = kind, true
			}
		}
	}
	for i, s := range m.def.States {
		for _, answer := range answersOf[entered[s.Name]] {
			c.Check(len(m.rows[rowKey{answer, s.Name}]) > 0, fmt.Sprintf("states[%d]", i), fmt.Sprintf("does not take the answer %q", answer), string(s.Name))
		}
	}
}

func walk(edges map[State][]State, from ...State) map[State]bool {
	seen := map[State]bool{}
	for len(from) > 0 {
		s := from[0]
		from = from[1:]
		if !seen[s] {
			seen[s] = true
			from = append(from, edges[s]...)
		}
	}
	return seen
}

func join[S ~string](all []S) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = fmt.Sprintf("%q", string(s))
	}
	return strings.Join(names, ", ")
}

// Version is the version of the definition.
func (m *Machine) Version() int { return m.def.Version }

// State returns what the machine says of a state; unknown names give a StateDef that is not shown.
func (m *Machine) State(s State) StateDef { return m.states[s] }

// States returns all states in the order of the definition.
func (m *Machine) States() []StateDef { return slices.Clone(m.def.States) }

// Transitions returns the table in the order of the definition.
func (m *Machine) Transitions() []TransitionDef { return slices.Clone(m.def.Transitions) }

// StaffMay returns the events that staff may cause for an order, by the state they lead to.
func (m *Machine) StaffMay(o Order) map[State]EventName {
	may := map[State]EventName{}
	for _, t := range m.def.Transitions {
		if _, known := may[t.Dest(o.State)]; known || !t.Staff || !slices.Contains(t.From, o.State) {
			continue
		}
		ev := Event{Name: t.Event, Attempt: o.Attempt, To: t.Dest(o.State)}
		if d, err := m.Decide(o, ev, o.PlacedAt); err == nil && d.Order.State == ev.To {
			may[ev.To] = t.Event
		}
	}
	return may
}

// EffectOf returns the effect whose answer a state waits for, or "" for a state that waits for a person. Every row that leads
// into a state schedules the same one.
func (m *Machine) EffectOf(s State) EffectKind {
	for _, t := range m.def.Transitions {
		if t.To == s && len(t.Effects) > 0 && t.Effects[0].Kind != GiveBack && slices.ContainsFunc(t.From, func(from State) bool { return from != s }) {
			return t.Effects[0].Kind
		}
	}
	return ""
}

// Asks reports whether guards of this machine ask for the facts of an order.
func (m *Machine) Asks() bool { return len(m.def.Guards) > 0 }

// Definition returns what the machine was compiled from.
func (m *Machine) Definition() Definition { return m.def }

// EffectStates returns the states that wait for the answer of an effect.
func (m *Machine) EffectStates() (all []State) {
	for _, s := range m.def.States {
		if m.EffectOf(s.Name) != "" {
			all = append(all, s.Name)
		}
	}
	return all
}
