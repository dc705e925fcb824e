package app

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// settingsShelf keeps settings in memory, and counts how often it is asked.
type settingsShelf struct {
	mu             sync.Mutex
	all            Settings
	versions, read int
	err            error
}

func (s *settingsShelf) SettingsVersion(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions++
	return s.all.Version, s.err
}

func (s *settingsShelf) Settings(context.Context) (*Settings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read++
	all := s.all
	return &all, s.err
}

func (s *settingsShelf) ChangeSettings(context.Context, By, func(*Settings) (*Edit, error)) (int64, error) {
	return 0, errors.New("nobody changes anything here")
}

func (s *settingsShelf) move(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Version++
	s.err = err
}

// A process looks five times a second, however many queries there are, and reads what has another version.
func TestSettingsAreFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := &settingsShelf{}
		m := NewMerchandising(shelf, "en", nil, time.Now, quiet)
		if m.Steering() != nil {
			t.Error("settings that nobody has read")
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		wait := func(d time.Duration) {
			<-time.After(d)
			synctest.Wait()
		}
		wait(0)
		if m.Steering() == nil {
			t.Error("settings were not read at the beginning")
		}
		wait(time.Second)
		if shelf.versions != 6 || shelf.read != 1 {
			t.Errorf("asked %d times for the version, %d for all", shelf.versions, shelf.read)
		}
		shelf.move(ErrUnavailable)
		wait(settingsEvery)
		if m.Steering().Version != 0 {
			t.Error("what could not be read holds")
		}
		shelf.move(nil)
		wait(settingsEvery)
		if m.Steering().Version != 2 {
			t.Errorf("version %d after all that time", m.Steering().Version)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAListingWithoutSettingsIsUnavailable(t *testing.T) {
	t.Parallel()
	s := shop(steps{"x"}, func(search.Plan) (search.Found, error) { return search.Found{}, nil })
	s.Steering = func() *Steering { return nil }
	if _, err := s.List(t.Context(), Listing{Visit: here, Limit: 24}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("what is to be left out may be listed: %v", err)
	}
}

func TestThePathOfACategory(t *testing.T) {
	t.Parallel()
	round := &Terms{Categories: map[string]search.Category{"tops": {Term: search.Term{Value: "shirts"}}},
		Parents: map[string]string{"shirts": "clothing", "clothing": "", "a": "b", "b": "a"}}
	for category, want := range map[string][]string{"": nil, "shirts": {"clothing", "shirts"}, "tops": {"clothing", "shirts"}, "nope": {"nope"}, "a": {"b", "a"}} {
		if diff := cmp.Diff(want, round.path(category)); diff != "" {
			t.Errorf("%s: %s", category, diff)
		}
	}
}
