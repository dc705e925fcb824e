package httpx

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Body is the input or the output of an operation that has a body and nothing else.
type Body[T any] struct{ Body T }

// List is the output of a list that is short enough to have no pages.
type List[T any] struct {
	Body struct {
		Items []T `json:"items"`
	}
}

// ListOf answers with a whole list. The items are never null.
func ListOf[T any](all []T) *List[T] {
	out := &List[T]{}
	if out.Body.Items = all; all == nil {
		out.Body.Items = []T{}
	}
	return out
}

// PageQuery is embedded in the input of every list.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"24" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"2048" doc:"next_cursor of the page before"`
}

// Page is the body of every list.
type Page[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor" doc:"Where the next page begins; null on the last one"`
}

// NewPage makes a page of rows that were asked for with limit + 1: a row too many means that there is a next page, and
// cursor makes its beginning of the last row that is shown. The items are never null.
func NewPage[T any](rows []T, limit int, cursor func(last T) string) Page[T] {
	p := Page[T]{Items: rows}
	if len(rows) > limit {
		p.Items = rows[:limit]
		next := cursor(rows[limit-1])
		p.NextCursor = &next
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

// EncodeCursor makes the opaque text of a position. T marshals to JSON without fail: a struct of plain fields.
func EncodeCursor[T any](position T) string {
	data, err := json.Marshal(position)
	if err != nil {
		panic(fmt.Sprintf("httpx: cursor of %T: %v", position, err)) // a mistake in the program, not in the input
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// DecodeCursor reads a cursor; ok is false for an empty one, the first page. Garbage is 422 validation-failed.
func DecodeCursor[T any](cursor string) (position T, ok bool, err error) {
	if cursor == "" {
		return position, false, nil
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil {
		err = checkText(data)
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err = d.Decode(&position); err == nil {
			_, err = d.Token()
		}
	}
	if !errors.Is(err, io.EOF) { // the end is where it must stop
		var zero T
		return zero, false, fault.New(fault.Invalid, "validation-failed", "query.cursor: is not a cursor of this list").
			WithField("query.cursor", "is not a cursor of this list", nil).WithCause(err)
	}
	return position, true, nil
}

// IfMatchHeader is embedded in the input of what changes a versioned thing.
type IfMatchHeader struct {
	IfMatch string `header:"If-Match" doc:"ETag of the version that the change is meant for"`
}

// ETagHeader is embedded in the output of a versioned thing.
type ETagHeader struct {
	ETag string `header:"ETag" doc:"The version"`
}

// ETag returns the strong entity tag of a version: "v12", with its quotes.
func ETag(version int64) ETagHeader {
	return ETagHeader{ETag: `"v` + strconv.FormatInt(version, 10) + `"`}
}

// ParseIfMatch reads an If-Match header. given is false when there is none, or *, which any version matches. Weak tags, lists
// and what is not a tag of ours are Malformed.
func ParseIfMatch(header string) (version int64, given bool, err error) {
	if header == "" || header == "*" {
		return 0, false, nil
	}
	digits, ok := strings.CutPrefix(header, `"v`)
	digits, quoted := strings.CutSuffix(digits, `"`)
	if ok && quoted && digits != "" && strings.Trim(digits, "0123456789") == "" {
		if version, err = strconv.ParseInt(digits, 10, 64); err == nil {
			return version, true, nil
		}
	}
	return 0, false, fault.New(fault.Malformed, "malformed", `If-Match takes one strong tag such as "v12"`).
		WithField("header.If-Match", `is not a strong tag such as "v12"`, nil)
}
