// Package alerts holds the alert rules to the code and to their runbooks: each metric that a rule asks for is one that a service has, each
// value of a label is one that it is given, and each rule has a page.
package alerts

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rule is an alert.
type Rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Read reads a file of rules as Prometheus does.
func Read(path string) ([]Rule, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var f struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []Rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	d := yaml.NewDecoder(file)
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var all []Rule
	for _, g := range f.Groups {
		all = append(all, g.Rules...)
	}
	return all, nil
}

var (
	quoted = regexp.MustCompile(`"([^"]*)"`)
	metric = regexp.MustCompile(`\b[a-z]+(?:_[a-z]+)+\b`)
)

// Asks returns the metrics that a rule asks for, and the values of labels that it names.
func (r Rule) Asks() (metrics, values []string) {
	for _, v := range quoted.FindAllStringSubmatch(r.Expr, -1) {
		values = append(values, strings.Split(v[1], "|")...)
	}
	metrics = metric.FindAllString(quoted.ReplaceAllString(r.Expr, ""), -1)
	slices.Sort(metrics)
	return slices.Compact(metrics), values
}

// Condition is a part of a rule: the rule fires when a figure of the metric is above the limit, or when there is none.
type Condition struct {
	Metric string
	Label  string   // which has one of Values; "": whatever it has
	Values []string // of Label
	Above  float64
	Counts bool // the metric only ever rises, and the rule looks how much lately
	Absent bool // there is to be a figure
}

const figures = `([a-z]+(?:_[a-z]+)+)(?:\{([a-z]+)=~?"([^"]*)"\})?`

var (
	condition = regexp.MustCompile(figures + `(\[\w+\])?\)* > (\d+)`)
	missing   = regexp.MustCompile(`absent\(` + figures + `\)`)
)

// Conditions takes a rule apart. One that is written in another way has none.
func (r Rule) Conditions() (all []Condition) {
	for _, m := range condition.FindAllStringSubmatch(r.Expr, -1) {
		c := Condition{Metric: m[1], Label: m[2], Counts: m[4] != ""}
		if m[3] != "" {
			c.Values = strings.Split(m[3], "|")
		}
		c.Above, _ = strconv.ParseFloat(m[5], 64) // they are digits
		all = append(all, c)
	}
	for _, m := range missing.FindAllStringSubmatch(r.Expr, -1) {
		c := Condition{Metric: m[1], Label: m[2], Absent: true}
		if m[3] != "" {
			c.Values = strings.Split(m[3], "|")
		}
		all = append(all, c)
	}
	return all
}

// Of reports whether the condition is about a figure with these labels.
func (c Condition) Of(labels map[string]string) bool {
	return c.Label == "" || slices.Contains(c.Values, labels[c.Label])
}

// Met reports whether a figure with these labels is above the limit.
func (c Condition) Met(labels map[string]string, figure float64) bool {
	return !c.Absent && figure > c.Above && c.Of(labels)
}
