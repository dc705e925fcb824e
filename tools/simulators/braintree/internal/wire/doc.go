// Package wire is the XML of the gateway's API: what requests look like and what answers look like, and nothing about what
// they mean.
//
// The shapes follow the public SDKs' requests, parsers and tests: hyphenated element names, `type="datetime|boolean|array"`
// and `nil="true"` attributes, and validation errors nested by object. Malformed XML is ErrMalformed; an unknown element
// in a request is ignored, because this package does not know the whole API.
package wire
