// Package config fills a struct from the environment, and refuses to start on anything that it does not understand.
//
// A configuration is a struct with tags of github.com/caarlos0/env: `env:"SIDECART_X" envDefault:"…"`, with ",required"
// where there is no default. All faults are reported at once: what is missing, what does not parse, what Validate says, and
// every SIDECART_ variable that no field takes, because a misspelt name is a setting that silently does nothing. New fields
// must work at their zero value. Secrets are of type Secret, which no log and no JSON shows.
//
// A struct, and every struct embedded in it, may have `Validate() error`; errors.Join there keeps the faults apart.
package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Prefix is that of every variable of ours. Those of the developer's tools and tests may stand in any environment.
const (
	Prefix     = "SIDECART_"
	testPrefix = "SIDECART_TEST_"
	toolsDapr  = "SIDECART_DAPR_DIR"
)

// Error lists all faults of a configuration, one sentence each.
type Error struct{ Faults []string }

// Error returns the faults, one a line.
func (e *Error) Error() string {
	return fmt.Sprintf("%d faults in the configuration:\n  %s", len(e.Faults), strings.Join(e.Faults, "\n  "))
}

// Load fills a T from environ, which has the form of os.Environ. The error is an *Error with all faults.
func Load[T any](environ []string) (T, error) {
	var c T
	values := parse(environ)
	fields := Describe[T]()
	faults := unknown(values, fields)
	values[""] = "" // never empty: the library would read the process's own environment instead
	if err := env.ParseWithOptions(&c, env.Options{Environment: values}); err != nil {
		faults = append(faults, explain(err, fields)...)
	} else {
		faults = append(faults, validate(reflect.ValueOf(&c).Elem())...)
	}
	if len(faults) > 0 {
		var zero T
		return zero, &Error{Faults: faults}
	}
	return c, nil
}

func parse(environ []string) map[string]string {
	values := make(map[string]string, len(environ)+1)
	for _, line := range environ {
		if key, value, ok := strings.Cut(line, "="); ok && key != "" {
			values[key] = value
		}
	}
	return values
}

func unknown(values map[string]string, fields []Field) (faults []string) {
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		foreign := strings.HasPrefix(key, testPrefix) || key == toolsDapr
		if strings.HasPrefix(key, Prefix) && !foreign && !known[key] {
			faults = append(faults, key+" is not a setting of this program")
		}
	}
	return faults
}

// explain names variables where the library names fields.
func explain(err error, fields []Field) (faults []string) {
	all := []error{err}
	if many, ok := errors.AsType[env.AggregateError](err); ok {
		all = many.Errors
	}
	for _, err := range all {
		if missing, ok := errors.AsType[env.VarIsNotSetError](err); ok {
			faults = append(faults, missing.Key+" is required")
		} else if empty, ok := errors.AsType[env.EmptyVarError](err); ok {
			faults = append(faults, empty.Key+" must not be empty")
		} else if bad, ok := errors.AsType[env.ParseError](err); ok {
			faults = append(faults, keyOf(bad.Name, fields)+" does not parse: "+bad.Err.Error())
		} else {
			faults = append(faults, err.Error())
		}
	}
	return faults
}

func keyOf(name string, fields []Field) string {
	for _, f := range fields {
		if f.name == name {
			return f.Key
		}
	}
	return name
}

// validate asks the struct and all that is embedded in it; a method that is promoted is heard once.
func validate(v reflect.Value) (faults []string) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Anonymous && f.Type.Kind() == reflect.Struct && f.IsExported() {
			faults = append(faults, validate(v.Field(i))...)
		}
	}
	if c, ok := v.Addr().Interface().(interface{ Validate() error }); ok {
		for _, fault := range flatten(c.Validate()) {
			if !slices.Contains(faults, fault) {
				faults = append(faults, fault)
			}
		}
	}
	return faults
}

func flatten(err error) []string {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range many.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return []string{err.Error()}
}

// Field is one setting, for `check-config` and the documentation.
type Field struct {
	Key      string
	Type     string // "string", "time.Duration", "config.Secret" …
	Default  string
	Required bool
	Secret   bool
	Doc      string // of the tag `doc`

	name string // of the struct's field
}

// Describe lists the settings of T in the order of its fields, embedded ones in their place.
func Describe[T any]() []Field { return describe(reflect.TypeFor[T](), "") }

var secretType = reflect.TypeFor[Secret]()

func describe(t reflect.Type, prefix string) (fields []Field) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		switch {
		case !f.IsExported() || key == "-":
		case key != "":
			fields = append(fields, Field{
				Key: prefix + key, Type: f.Type.String(), Default: f.Tag.Get("envDefault"), Doc: f.Tag.Get("doc"),
				Required: slices.ContainsFunc(strings.Split(options, ","), func(o string) bool { return o == "required" || o == "notEmpty" }),
				Secret:   f.Type == secretType, name: f.Name,
			})
		case f.Type.Kind() == reflect.Struct:
			fields = append(fields, describe(f.Type, prefix+f.Tag.Get("envPrefix"))...)
		}
	}
	return fields
}
