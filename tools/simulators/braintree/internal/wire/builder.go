package wire

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"
)

// builder writes XML elements into memory; it cannot fail. Text is escaped, names and attributes are the program's own.
type builder struct{ buf bytes.Buffer }

func document() *builder {
	b := &builder{}
	b.buf.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	return b
}

func (b *builder) bytes() []byte { return b.buf.Bytes() }

// in writes an element around what body writes.
func (b *builder) in(name, kind string, body func()) {
	b.open(name, kind)
	body()
	b.buf.WriteString("</" + name + ">\n")
}

func (b *builder) open(name, kind string) {
	b.buf.WriteString("<" + name)
	if kind != "" {
		b.buf.WriteString(` type="` + kind + `"`)
	}
	b.buf.WriteByte('>')
}

// text writes <name>value</name>, or <name nil="true"/> when the value is empty.
func (b *builder) text(name, value string) { b.typed(name, "", value) }

func (b *builder) typed(name, kind, value string) {
	if value == "" {
		b.buf.WriteString("<" + name + ` nil="true"/>` + "\n")
		return
	}
	b.open(name, kind)
	_ = xml.EscapeText(&b.buf, []byte(value)) // bytes.Buffer does not fail
	b.buf.WriteString("</" + name + ">\n")
}

func (b *builder) boolean(name string, v bool) { b.typed(name, "boolean", strconv.FormatBool(v)) }

func (b *builder) integer(name string, v int) { b.typed(name, "integer", strconv.Itoa(v)) }

func (b *builder) time(name string, at time.Time) {
	if at.IsZero() {
		b.typed(name, "datetime", "")
		return
	}
	b.typed(name, "datetime", at.UTC().Format("2006-01-02T15:04:05Z"))
}

func (b *builder) array(name string, items []string) {
	b.in(name, "array", func() {
		for _, item := range items {
			b.text("item", item)
		}
	})
}
