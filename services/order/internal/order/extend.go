package order

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Extension adds to a machine what a merchant wants of it, as data: states that behave like one that is there, rows between them, and
// guards over the facts of an order. It cannot touch how money and stock move: each of its states takes everything else that the state
// does which it is like.
type Extension struct {
	Version     int // of the machine that it makes; FirstOwn or more
	Extends     int // the version that it adds to
	States      []StateAdd
	Guards      []GuardDef
	Transitions []TransitionDef
}

// StateAdd is a state like another; what is empty is as there.
type StateAdd struct {
	Name              State
	Like              State
	Status            string
	FulfillmentStatus string
	Note              string
}

// GuardDef names a condition.
type GuardDef struct {
	Name string
	When Condition
}

// FirstOwn is the first version that is not ours to give.
const FirstOwn = 1000

var (
	// after tells how far an order has come in the states that may be added to and gone between: none leads back.
	after = map[State]int{"confirmed": 0, "picking": 1, "shipped": 2, "delivered": 3, "returned": 4}
	// addable are the events that rows of an extension may take.
	addable = []EventName{Advance, TimePassed, Pick, Ship, Deliver, Return}
	word    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
)

const longestWait = 90 * 24 * 3600 // seconds

// Extend adds to a definition. It reports all faults of the extension at once; what only shows in the whole, Compile finds.
func Extend(base Definition, x Extension) (Definition, error) {
	e := extender{base: base, x: x, like: map[State]State{}, ranks: maps.Clone(after)}
	e.c.Check(x.Version >= FirstOwn, "version", fmt.Sprintf("must be %d or more: those below are built in", FirstOwn), x.Version)
	e.c.Check(x.Extends == base.Version, "extends", fmt.Sprintf("must be %d", base.Version), x.Extends)
	def := Definition{Version: x.Version, Guards: map[string]Condition{}}
	for i, g := range x.Guards {
		at := fmt.Sprintf("guards[%d]", i)
		_, ours := guards[g.Name]
		_, twice := def.Guards[g.Name]
		e.c.Check(word.MatchString(g.Name) && !ours && !twice, at+".name", "must be a word of its own", g.Name)
		g.When.check(&e.c, at+".when")
		def.Guards[g.Name] = g.When
	}
	def.States = append(e.states(), base.States...)
	for i, t := range x.Transitions {
		e.row(fmt.Sprintf("transitions[%d]", i), t, def.Guards)
	}
	def.Transitions = append(slices.Clone(x.Transitions), e.inherited()...)
	if err := e.c.Err(); err != nil {
		return def, err
	}
	return def, nil
}

type extender struct {
	base  Definition
	x     Extension
	c     fault.Collector
	like  map[State]State // of added states
	ranks map[State]int
}

func (e *extender) states() (all []StateDef) {
	known, statuses := map[State]StateDef{}, map[string]bool{}
	for _, s := range e.base.States {
		known[s.Name], statuses[s.Status] = s, s.Status != ""
	}
	for i, s := range e.x.States {
		at := fmt.Sprintf("states[%d]", i)
		_, twice := known[s.Name]
		e.c.Check(word.MatchString(string(s.Name)) && !twice, at+".name", "must be a word of its own", string(s.Name))
		rank, ok := after[s.Like]
		e.c.Check(ok, at+".like", "is none of: "+join(slices.Sorted(maps.Keys(after))), string(s.Like))
		e.c.Check(s.Status == "" || statuses[s.Status], at+".status", "is not a public status", s.Status)
		e.c.Check(s.FulfillmentStatus == "" || word.MatchString(s.FulfillmentStatus), at+".fulfillment_status", "must be a word", s.FulfillmentStatus)
		def := known[s.Like]
		def.Name, def.Note = s.Name, s.Note
		if s.Status != "" {
			def.Status = s.Status
		}
		if s.FulfillmentStatus != "" {
			def.FulfillmentStatus = s.FulfillmentStatus
		}
		known[s.Name], e.like[s.Name], e.ranks[s.Name] = def, s.Like, rank
		all = append(all, def)
	}
	return all
}

func (e *extender) row(at string, t TransitionDef, own map[string]Condition) {
	e.c.Check(slices.Contains(addable, t.Event), at+".event", "is none of: "+join(addable), string(t.Event))
	e.c.Check(!t.Staff || t.Event != TimePassed, at+".staff", "time passes without anybody", nil)
	e.c.Check(t.Staff || t.Event != Advance, at+".staff", "somebody has to advance the order", nil)
	to, ok := e.ranks[t.To]
	e.c.Check(ok, at+".to", "is none of: "+join(slices.Sorted(maps.Keys(e.ranks))), string(t.To))
	for j, from := range t.From {
		rank, known := e.ranks[from]
		e.c.Check(known, fmt.Sprintf("%s.from[%d]", at, j), "is none of: "+join(slices.Sorted(maps.Keys(e.ranks))), string(from))
		e.c.Check(!ok || !known || rank <= to, fmt.Sprintf("%s.from[%d]", at, j), "is further than where the row leads: no row leads back", string(from))
	}
	_, ok = own[t.Guard]
	e.c.Check(ok || t.Guard == "", at+".guard", "is not a guard of this file", t.Guard)
	e.c.Check(t.Announce == Nothing || t.Announce == AnnounceAdvanced, at+".announce", `must be "advanced" or nothing`, string(t.Announce))
	for j, f := range t.Effects {
		where := fmt.Sprintf("%s.effects[%d]", at, j)
		e.c.Check(f.Kind == Wait, where+".kind", `must be "wait"`, string(f.Kind))
		e.c.Check(f.Later > 0 && f.Later <= longestWait, where+".later", fmt.Sprintf("must be 1 to %d seconds", longestWait), f.Later)
		_, added := e.like[t.To]
		e.c.Check(added, at+".to", "must be a state of this file: it waits", string(t.To))
	}
}

// inherited are the rows of the base, each also from the states that are like one of its sources. A state that waits takes none that
// would end the wait and stay. None takes an edit: that would lead it back to the state it is like.
func (e *extender) inherited() []TransitionDef {
	waits, taken := map[State]bool{}, map[rowKey]bool{}
	for _, t := range e.x.Transitions {
		waits[t.To] = waits[t.To] || len(t.Effects) > 0
		for _, from := range t.From {
			taken[rowKey{t.Event, from}] = taken[rowKey{t.Event, from}] || t.Guard == ""
		}
	}
	rows := slices.Clone(e.base.Transitions)
	for i, t := range rows {
		rows[i].From = slices.DeleteFunc(slices.Clone(t.From), func(s State) bool { return taken[rowKey{t.Event, s}] })
		for _, s := range e.x.States {
			if slices.Contains(t.From, s.Like) && t.Event != Edit && !taken[rowKey{t.Event, s.Name}] && (!waits[s.Name] || t.To != "" || len(t.Effects) == 0) {
				rows[i].From = append(rows[i].From, s.Name)
			}
		}
	}
	return slices.DeleteFunc(rows, func(t TransitionDef) bool { return len(t.From) == 0 })
}
