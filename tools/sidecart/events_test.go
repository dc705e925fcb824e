package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// The list of who takes in what is that of the services' sources: nobody's dead letters are forgotten.
func TestEverySubscriptionCanBeReplayed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../services/*/internal/daprio/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	var want []letters
	topic := regexp.MustCompile(`\.On\((\w+)api\.Topic,`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		app := filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(file))))
		for _, found := range topic.FindAllStringSubmatch(string(source), -1) {
			want = append(want, letters{found[1], app})
		}
	}
	order := func(a, b letters) int { return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.app, b.app)) }
	slices.SortFunc(want, order)
	want = slices.Compact(want)
	got := slices.SortedFunc(slices.Values(subscribed()), order)
	if !slices.Equal(got, want) {
		t.Errorf("subscribed lists %v, the services subscribe to %v", got, want)
	}
}
