package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// memory adds up what it is told, and fails as it is told: before it notes, or after.
type memory struct {
	asked         map[string]int64
	err           error
	popular       []Heard
	beforeItNotes bool
	meanwhile     func() // nil: nothing happens while it is told
}

func (m *memory) Note(_ context.Context, _ time.Time, all []Heard) error {
	if m.meanwhile != nil {
		m.meanwhile()
	}
	if m.err != nil && m.beforeItNotes {
		return m.err
	}
	for _, h := range all {
		m.asked[h.Words] += h.Asked
	}
	return m.err
}

func (m *memory) Heard(context.Context, time.Time, bool, int) ([]Heard, error) {
	return m.popular, m.err
}

func TestWhatIsHeardIsNoted(t *testing.T) {
	t.Parallel()
	m := &memory{asked: map[string]int64{}, beforeItNotes: true}
	e := NewEar(m, func() time.Time { return noon }, quiet)
	e.Hear("en", []string{"linen", "shirt"}, 3)
	e.Hear("en", nil, 3)
	e.Hear("en", []string{strings.Repeat("x", heardBytes+1)}, 3)
	m.err = ErrUnavailable
	if err := e.Refresh(t.Context()); err == nil {
		t.Error("nothing was noted, and nobody is told")
	}
	e.Hear("en", []string{"linen", "shirt"}, 3)
	m.err = nil
	for range 2 {
		if err := e.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]int64{"linen shirt": 2}, m.asked); diff != "" {
		t.Error(diff)
	}
	for n := range 2 * mostHeard {
		e.Hear("en", []string{fmt.Sprint(n)}, 0)
	}
	if len(e.pending) != mostHeard {
		t.Errorf("%d queries are kept", len(e.pending))
	}
	m.err, m.meanwhile = ErrUnavailable, func() {
		e.Hear("en", []string{"0"}, 0)
		e.Hear("en", []string{"one", "more"}, 0)
	}
	if err := e.Refresh(t.Context()); err == nil || len(e.pending) != mostHeard || e.pending[said{"0", "en"}].Asked != 2 {
		t.Errorf("%v %d queries are kept while nothing is noted", err, len(e.pending))
	}
}

func TestWhatManyAskIsSuggested(t *testing.T) {
	t.Parallel()
	m := &memory{popular: []Heard{{"shirt linen", "en", 9, 1}, {"shoes", "de", 7, 1}, {"shirt", "en", 5, 1}, {"mug", "en", 4, 1}, {"shorts", "", 3, 1}, {"shirt", "", 3, 1}, {"shirt of mine", "en", oftenAsked - 1, 1}}}
	e := NewEar(m, func() time.Time { return noon }, quiet)
	if got := e.Suggest("en", "sh", 8); got != nil {
		t.Errorf("%v", got)
	}
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{"sh": {"shirt linen", "shirt", "shorts"}, "shirt": {"shirt linen", "shirt"}, "shirt l": {"shirt linen"}, "x": nil} {
		if diff := cmp.Diff(want, e.Suggest("en-GB", text, 8), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	if diff := cmp.Diff([]string{"shoes", "shorts", "shirt"}, e.Suggest("de-AT", "sh", 8)); diff != "" {
		t.Errorf("in German: %s", diff)
	}
	if got := e.Suggest("en", "sh", 1); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestWhatIsLeftIsNotedAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{asked: map[string]int64{}}
		e := NewEar(m, time.Now, quiet)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		synctest.Wait()
		e.Hear("en", []string{"mug"}, 1)
		stop()
		if err := <-ended; err != nil || m.asked["mug"] != 1 {
			t.Errorf("%v %v", err, m.asked)
		}
	})
}
