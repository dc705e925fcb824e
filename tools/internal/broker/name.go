package broker

import (
	"fmt"
	"strings"
)

// maxToken bounds an escaped name: it becomes the name of a folder (255 bytes on every usual file system).
const maxToken = 200

// token writes a topic or an app id as one subject token that is also a safe stream, consumer and folder name. Topics hold
// dots ("order.dead.checkout") and could hold wildcards; a folder name may not tell upper from lower case. So all but
// lower-case letters, digits, '-' and '_' becomes '=' and two hex digits. untoken is its inverse.
func token(name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("%w: empty", errName)
	}
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "=%02x", c)
	}
	if b.Len() > maxToken {
		return "", fmt.Errorf("%w: %q is longer than %d bytes when escaped", errName, name, maxToken)
	}
	return b.String(), nil
}

// untoken gives back the name that token escaped; what token cannot have written comes back as it is.
func untoken(tok string) string {
	var b strings.Builder
	for i := 0; i < len(tok); i++ {
		if tok[i] != '=' || i+2 >= len(tok) {
			b.WriteByte(tok[i])
			continue
		}
		var c byte
		if _, err := fmt.Sscanf(tok[i+1:i+3], "%02x", &c); err != nil {
			return tok
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String()
}
