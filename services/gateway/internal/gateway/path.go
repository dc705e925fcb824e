package gateway

import "strings"

const (
	maxSegment  = 200 // bytes
	maxSegments = 16
)

// Segments splits a path, as it stands in the request line, and decodes each segment once. It refuses what could be read as
// another path further on: a segment must then match [A-Za-z0-9._~+-]{1,200} and be neither "." nor "..". So neither an
// encoded slash nor a second layer of encoding, an empty segment or a trailing slash passes.
func Segments(escaped string) (segments []string, ok bool) {
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok || strings.Count(rest, "/") >= maxSegments {
		return nil, false
	}
	segments = make([]string, 0, 8)
	for part := range strings.SplitSeq(rest, "/") {
		if strings.IndexByte(part, '%') >= 0 {
			if part, ok = decode(part); !ok {
				return nil, false
			}
		}
		if !plain(part) {
			return nil, false
		}
		segments = append(segments, part)
	}
	return segments, true
}

// Path joins segments that Segments accepted. Nothing in them needs escaping.
func Path(segments []string) string { return "/" + strings.Join(segments, "/") }

func plain(s string) bool {
	if s == "" || len(s) > maxSegment || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._~+-", c) >= 0) {
			return false
		}
	}
	return true
}

// decode undoes percent-encoding (RFC 3986, section 2.1) once.
func decode(s string) (string, bool) {
	if len(s) > 3*maxSegment {
		return "", false
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, low := digit(s[i+1]), digit(s[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return string(out), true
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
