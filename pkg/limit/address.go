package limit

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Client returns whose limit counts: of IPv6 the first 64 bits, because whoever has one such address has them all.
func Client(r *http.Request, proxies []netip.Prefix) netip.Addr {
	addr := Address(r, proxies)
	if addr.Is6() {
		p, _ := addr.Prefix(64) // 64 fits every IPv6 address
		addr = p.Addr()
	}
	return addr
}

// Address returns who asks: the peer's address, or, when the peer is a proxy of ours, the last one in X-Forwarded-For that is none.
func Address(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // all that cannot be told apart share one limit
	}
	addr := peer.Addr().Unmap()
	if ours(addr, proxies) {
		addr = forwarded(addr, r.Header["X-Forwarded-For"], proxies)
	}
	return addr.WithZone("")
}

func forwarded(addr netip.Addr, headers []string, proxies []netip.Prefix) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return addr
		}
		addr = a.Unmap()
		if !ours(addr, proxies) {
			return addr
		}
	}
	return addr
}

func ours(addr netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
