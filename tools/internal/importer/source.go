package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// maxRow is the longest row that is read, keep is how much of a longer one is kept, in bytes.
const (
	maxRow = 1 << 20
	keep   = 2000
)

// Row is one row of a source as it stands there. Fault says why it cannot be read; then Raw is as much of it as was kept.
type Row struct {
	Number int64 // from 1
	Raw    []byte
	Fields map[string]any
	Fault  string
}

// source gives the rows of a file, one by one. A row that cannot be read is a row with a fault; an error ends the reading.
type source interface{ next() (Row, error) }

// open begins to read a file of a format.
func open(r io.Reader, m Mapping, format string) (source, error) {
	if m.Encoding == "windows-1252" {
		r = transform.NewReader(r, charmap.Windows1252.NewDecoder())
	}
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte{0xFF, 0xFE}) || bytes.HasPrefix(head, []byte{0xFE, 0xFF}) {
		return nil, errors.New("the file is UTF-16: save it as UTF-8")
	}
	if bytes.Equal(head, []byte("\xEF\xBB\xBF")) {
		_, _ = in.Discard(3)
	}
	switch format {
	case "json":
		return newArray(in)
	case "ndjson":
		return &lines{in: in}, nil
	case "csv":
		return newTable(in, m.Delimiter)
	}
	return nil, fmt.Errorf("format %q: want csv, json or ndjson", format)
}

// finish checks the raw bytes of a JSON row and reads its fields.
func finish(r Row) Row {
	switch {
	case r.Fault != "":
	case !utf8.Valid(r.Raw):
		r.Fault = "is not UTF-8"
	default:
		dec := json.NewDecoder(bytes.NewReader(r.Raw))
		dec.UseNumber()
		if err := dec.Decode(&r.Fields); err != nil {
			r.Fault = "is no JSON object: " + err.Error()
		} else if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			r.Fault = "is more than one JSON value"
		} else if r.Fields == nil {
			r.Fault = "is no JSON object"
		} else if holdsNUL(r.Fields) {
			r.Fault, r.Fields = nul, nil
		}
	}
	return r
}

const nul = "holds U+0000, which no text can"

func holdsNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		return slices.ContainsFunc(v, holdsNUL)
	case map[string]any:
		for key, inner := range v {
			if strings.ContainsRune(key, 0) || holdsNUL(inner) {
				return true
			}
		}
	}
	return false
}

const tooLong = "is longer than 1 MiB"

// lines are rows that end with the line.
type lines struct {
	in *bufio.Reader
	n  int64
}

func (l *lines) next() (Row, error) {
	for {
		raw, long, err := line(l.in)
		if err != nil {
			return Row{}, err
		}
		if len(bytes.TrimSpace(raw)) == 0 && !long {
			continue
		}
		l.n++
		r := Row{Number: l.n, Raw: raw}
		if long {
			r.Fault = tooLong
		}
		return finish(r), nil
	}
}

// line reads one line. Of a long one the beginning is kept and the rest passed over. io.EOF: there is none.
func line(in *bufio.Reader) (raw []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if !long {
			raw = append(raw, part...)
		}
		if len(raw) > maxRow {
			raw, long = raw[:keep], true
		}
		switch {
		case err == nil:
			return bytes.TrimRight(raw, "\r\n"), long, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(raw) > 0 || long):
			return raw, long, nil
		default:
			return nil, false, err
		}
	}
}

// array are the elements of one JSON array. They are cut apart by brackets and quotes alone, so that a broken element does not
// end the reading.
type array struct {
	in   *bufio.Reader
	n    int64
	done bool
}

func newArray(in *bufio.Reader) (source, error) {
	c, err := skip(in)
	if err != nil || c != '[' {
		return nil, errors.Join(errors.New("the file is no JSON array"), err)
	}
	return &array{in: in}, nil
}

// skip returns the first byte that is no white space.
func skip(in *bufio.Reader) (byte, error) {
	for {
		c, err := in.ReadByte()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

func (a *array) next() (Row, error) {
	c, err := skip(a.in)
	if err == nil && c == ']' && a.n == 0 {
		a.done = true
		c, err = skip(a.in)
	}
	if a.done {
		return a.rest(c, err)
	}
	a.n++
	r := Row{Number: a.n}
	depth, quoted, escaped := 0, false, false
	for ; err == nil; c, err = a.in.ReadByte() {
		if depth == 0 && !quoted && (c == ',' || c == ']') {
			a.done = c == ']'
			r.Raw = bytes.TrimSpace(r.Raw)
			return finish(r), nil
		}
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth = max(depth-1, 0) // one too many must not swallow the rows behind it
		}
		if r.Fault == "" {
			r.Raw = append(r.Raw, c)
		}
		if len(r.Raw) > maxRow {
			r.Raw, r.Fault = r.Raw[:keep], tooLong
		}
	}
	if !errors.Is(err, io.EOF) {
		return Row{}, err
	}
	a.done = true
	r.Fault = "the file ends before the row does"
	return r, nil
}

// rest takes what stands behind the array, from c on, as one more row: nothing of a file is dropped.
func (a *array) rest(c byte, err error) (Row, error) {
	if err != nil {
		return Row{}, err
	}
	a.n++
	r := Row{Number: a.n, Raw: []byte{c}, Fault: "stands behind the end of the array"}
	more, err := io.ReadAll(io.LimitReader(a.in, keep))
	if err != nil {
		return Row{}, err
	}
	r.Raw = append(r.Raw, more...)
	_, err = io.Copy(io.Discard, a.in)
	return r, err
}

// table are the records of a CSV file with a header.
type table struct {
	in     *bufio.Reader
	comma  rune
	header []string
	n      int64
}

func newTable(in *bufio.Reader, delimiter string) (source, error) {
	t := &table{in: in, comma: ','}
	if delimiter != "" {
		t.comma = rune(delimiter[0])
	}
	raw, fault, err := t.record()
	if err != nil {
		return nil, fmt.Errorf("the file has no header: %w", err)
	}
	if fault == "" {
		t.header, fault = t.split(raw)
	}
	seen := map[string]bool{}
	for _, name := range t.header {
		if name == "" || seen[name] {
			fault = fmt.Sprintf("column %q has no name or stands twice", name)
		}
		seen[name] = true
	}
	if fault != "" {
		return nil, fmt.Errorf("the header %s", fault)
	}
	return t, nil
}

func (t *table) next() (Row, error) {
	for {
		raw, fault, err := t.record()
		if err != nil {
			return Row{}, err
		}
		if len(bytes.TrimSpace(raw)) == 0 && fault == "" {
			continue
		}
		t.n++
		r := Row{Number: t.n, Raw: raw, Fault: fault}
		var fields []string
		if r.Fault == "" {
			if fields, r.Fault = t.split(raw); r.Fault != "" {
				r.Raw = t.firstLine(raw)
			}
		}
		if r.Fault == "" && len(fields) != len(t.header) {
			r.Fault = fmt.Sprintf("has %d fields, the header has %d", len(fields), len(t.header))
		}
		if r.Fault != "" {
			return r, nil
		}
		r.Fields = make(map[string]any, len(fields))
		for i, f := range fields {
			r.Fields[t.header[i]] = f
		}
		return r, nil
	}
}

func (t *table) split(raw []byte) ([]string, string) {
	if !utf8.Valid(raw) {
		return nil, "is not UTF-8"
	}
	if bytes.IndexByte(raw, 0) >= 0 {
		return nil, nul
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.Comma, r.FieldsPerRecord = t.comma, -1
	fields, err := r.Read()
	if err != nil {
		return nil, "is no CSV: " + err.Error()
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields, ""
}

// record reads lines until the quotes are closed. When they never are, the first line alone is at fault.
func (t *table) record() (raw []byte, fault string, err error) {
	for {
		part, long, err := line(t.in)
		switch {
		case raw == nil && (long || err != nil):
			return part, map[bool]string{true: tooLong}[long], err
		case err != nil && !errors.Is(err, io.EOF):
			return nil, "", err
		case err != nil:
			return t.firstLine(raw), "opens a quote that is never closed", nil
		case long: // what was passed over stays a row of its own, as long as it was
			part = append(part, bytes.Repeat([]byte{' '}, maxRow+1)...)
		}
		if raw != nil {
			raw = append(raw, '\n')
		}
		raw = append(raw, part...)
		if bytes.Count(raw, []byte{'"'})%2 == 0 && len(raw) <= maxRow {
			return raw, "", nil
		}
		if len(raw) > maxRow {
			return t.firstLine(raw), "opens a quote that is never closed", nil
		}
	}
}

// firstLine returns the first of several lines; the others are read again, each by itself.
func (t *table) firstLine(raw []byte) []byte {
	first, rest, more := bytes.Cut(raw, []byte{'\n'})
	if more {
		t.in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(append(rest, '\n')), t.in), 64<<10)
	}
	return first
}
