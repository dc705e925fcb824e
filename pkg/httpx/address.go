package httpx

import "net/netip"

// HeaderClientAddress names the client's address on its way from the public edges. The sidecars have X-Forwarded-For for themselves.
const HeaderClientAddress = "X-Real-Ip"

// ClientAddress is embedded in the input of an operation that wants to know from where a client asks. It is no part of the public contract: the
// public edges find the address out, and pass no client's word for it on.
type ClientAddress struct {
	RealIP string `header:"X-Real-Ip" hidden:"true"`
	Caller string `header:"dapr-caller-app-id" hidden:"true"`
}

// Address returns the client's address as the public edges say, gateway and storefront; nobody else is believed. Empty: it is not known.
func (c ClientAddress) Address() string {
	addr, err := netip.ParseAddr(c.RealIP)
	if err != nil || c.Caller != "gateway" && c.Caller != "storefront" {
		return ""
	}
	return addr.String()
}
