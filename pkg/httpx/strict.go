package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// misfit separates place and message in what unmarshal says: huma passes on the text of the error alone.
const misfit = "\x00"

// unmarshal is json.Unmarshal that refuses members that stand twice, and whose errors speak of members instead of Go types.
// huma calls it with *any to validate and then with the type: with repeated members the two would see different
// values, because decoding into a struct merges what decoding into a map replaces, and what was never validated would get in.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return errors.New(e.Field + misfit + "does not take this " + e.Value)
	}
	if _, untyped := v.(*any); err == nil && untyped {
		if name, found := repeated(data); found {
			return fmt.Errorf("the member %.40q stands twice", name)
		}
	}
	return err
}

// object is what repeated knows about an object or array that it is in.
type object struct {
	names   [][]byte            // members so far, while they are few
	many    map[string]struct{} // members so far, once they are many
	isArray bool
	atName  bool // the next string is a name
}

const fewNames = 16

func (o *object) has(name []byte) bool {
	if o.many != nil {
		_, found := o.many[string(name)]
		o.many[string(name)] = struct{}{}
		return found
	}
	for _, n := range o.names {
		if bytes.Equal(n, name) {
			return true
		}
	}
	if o.names = append(o.names, name); len(o.names) > fewNames {
		o.many = make(map[string]struct{}, 4*fewNames)
		for _, n := range o.names {
			o.many[string(n)] = struct{}{}
		}
	}
	return false
}

// repeated finds a member that stands twice in one object of valid JSON.
func repeated(data []byte) (name string, found bool) {
	var stack []object
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			stack = append(stack, object{atName: true})
		case '[':
			stack = append(stack, object{isArray: true})
		case '}', ']':
			stack = stack[:len(stack)-1]
		case ',':
			top := &stack[len(stack)-1]
			top.atName = !top.isArray
		case '"':
			end := endOfString(data, i)
			if len(stack) > 0 && stack[len(stack)-1].atName {
				top := &stack[len(stack)-1]
				top.atName = false
				if name := plainName(data[i : end+1]); top.has(name) {
					return string(name), true
				}
			}
			i = end
		}
	}
	return "", false
}

// endOfString returns where the string that begins at i ends: its closing quote.
func endOfString(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

// plainName resolves the escapes of a quoted name.
func plainName(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var name string
	if json.Unmarshal(quoted, &name) != nil {
		return quoted
	}
	return []byte(name)
}
