package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
)

// FromJSON writes a request in JSON, as the Node SDK sends it, as the XML that it stands for: an object's members are elements, a list's are
// items.
func FromJSON(body []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var root map[string]any
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(root) == 0 {
		return nil, nil
	}
	if len(root) > 1 {
		return nil, fmt.Errorf("%w: %d roots", ErrMalformed, len(root))
	}
	var out bytes.Buffer
	e := xml.NewEncoder(&out)
	for name, value := range root {
		if err := writeJSON(e, name, value); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	err := e.Close()
	return out.Bytes(), err
}

func writeJSON(e *xml.Encoder, name string, value any) error {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	if name == "" || strings.ContainsAny(name, "<>&\"'/= \t\r\n:") {
		return fmt.Errorf("%q is no name", name)
	}
	list, isList := value.([]any)
	if isList {
		start.Attr = []xml.Attr{{Name: xml.Name{Local: "type"}, Value: "array"}}
	}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for member, inner := range v {
			if err := writeJSON(e, member, inner); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range list {
			if err := writeJSON(e, "item", item); err != nil {
				return err
			}
		}
	default:
		if err := e.EncodeToken(xml.CharData(fmt.Sprint(v))); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}
