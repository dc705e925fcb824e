package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that shows itself only to Reveal: every way to print, log or marshal it writes "[redacted]", or nothing
// when it is empty.
type Secret struct {
	value *string // a pointer, because fmt prints unexported values of foreign structs by reflection
}

// NewSecret hides a text.
func NewSecret(s string) Secret { return Secret{value: &s} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports that there is none.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String returns "[redacted]", or "" for an empty secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return redacted
}

// Format makes every verb of fmt print what String returns.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is for JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
