package inventory

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Point is a place on the earth, in degrees.
type Point struct{ Lat, Lon float64 }

// Site is where a location stands. At is nil where nobody has said it: then it is where its country's people are.
type Site struct {
	Country, Region, Postal string
	At                      *Point
}

// Destination is where an order goes, as far as it is known.
type Destination struct{ Country, Region, Postal string }

// from says how far a site is from a destination: smaller is nearer. Nobody has geocoded the address, so within its country a site of the
// same region is nearer, and then one whose postal code begins like its; abroad the great circle to where the country's people are
// counts.
func (d Destination) from(s Site) distance {
	if d.Country == "" || s.Country != d.Country {
		return distance{abroad: 1, km: d.across(s)}
	}
	near := distance{region: 1, postal: -common(squeeze(d.Postal), squeeze(s.Postal))}
	if d.Region != "" && strings.EqualFold(d.Region, s.Region) {
		near.region = 0
	}
	return near
}

// distance is compared from its first member on.
type distance struct {
	abroad, region, postal int
	km                     float64
}

func (a distance) compare(b distance) int {
	return cmp.Or(cmp.Compare(a.abroad, b.abroad), cmp.Compare(a.region, b.region), cmp.Compare(a.postal, b.postal), cmp.Compare(a.km, b.km))
}

// across is the great circle between a site and the destination's country, in whole kilometres; infinite when one of them is not known.
func (d Destination) across(s Site) float64 {
	to, known := countries[d.Country]
	from, ok := countries[s.Country]
	if s.At != nil {
		from, ok = *s.At, true
	}
	if !known || !ok {
		return math.Inf(1)
	}
	return math.Round(from.to(to))
}

const earthRadius = 6371 // km, the mean

// to is the great circle between two points, in kilometres (the haversine formula).
func (a Point) to(b Point) float64 {
	rad := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	half := func(x float64) float64 { s := math.Sin(x / 2); return s * s }
	h := half(rad(b.Lat-a.Lat)) + math.Cos(rad(a.Lat))*math.Cos(rad(b.Lat))*half(rad(b.Lon-a.Lon))
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

// common is how many signs two codes begin with alike.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// squeeze drops what people write between the signs of a postal code.
func squeeze(code string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
}

// route sorts the levels of a SKU into the order in which they are asked for stock: what is in the country first or, where the shop routes
// so, what is nearer; then lower priority, then more to sell.
func (o Order) route(levels []Level, now time.Time) {
	near := make(map[string]distance, len(levels))
	if o.Nearest {
		for _, l := range levels {
			near[l.LocationID] = o.To.from(l.Site)
		}
	}
	slices.SortFunc(levels, func(a, b Level) int {
		return cmp.Or(near[a.LocationID].compare(near[b.LocationID]), -cmp.Compare(o.home(a), o.home(b)), cmp.Compare(a.Priority, b.Priority),
			-cmp.Compare(a.Free(now), b.Free(now)), cmp.Compare(a.LocationID, b.LocationID))
	})
}

func (o Order) home(l Level) int {
	if o.To.Country != "" && l.Country == o.To.Country {
		return 1
	}
	return 0
}

// countries are where the people of each are, in whole degrees: the place that names its main time zone in the tz database (zone.tab, which
// is in the public domain), and Pristina.
var countries = points(`AD 42 2, AE 25 55, AF 35 69, AG 17 -62, AI 18 -63, AL 41 20, AM 40 44, AO -9 13, AQ -78 167, AR -35 -58, AS -14 -171, AT 48 16, AU -34 151,
	AW 12 -70, AX 60 20, AZ 40 50, BA 44 18, BB 13 -60, BD 24 90, BE 51 4, BF 12 -2, BG 43 23, BH 26 51, BI -3 29, BJ 6 3, BL 18 -63, BM 32 -65,
	BN 5 115, BO -16 -68, BQ 12 -68, BR -24 -47, BS 25 -77, BT 27 90, BW -25 26, BY 54 28, BZ 18 -88, CA 44 -79, CC -12 97, CD -4 15, CF 4 19, CG -4 15,
	CH 47 9, CI 5 -4, CK -21 -160, CL -33 -71, CM 4 10, CN 31 121, CO 5 -74, CR 10 -84, CU 23 -82, CV 15 -24, CW 12 -69, CX -10 106, CY 35 33, CZ 50 14,
	DE 52 13, DJ 12 43, DK 56 13, DM 15 -61, DO 18 -70, DZ 37 3, EC -2 -80, EE 59 25, EG 30 31, EH 27 -13, ER 15 39, ES 40 -4, ET 9 39, FI 60 25,
	FJ -18 178, FK -52 -58, FM 7 158, FO 62 -7, FR 49 2, GA 0 9, GB 52 0, GD 12 -62, GE 42 45, GF 5 -52, GG 49 -3, GH 6 0, GI 36 -5, GL 64 -52,
	GM 13 -17, GN 10 -14, GP 16 -62, GQ 4 9, GR 38 24, GS -54 -37, GT 15 -91, GU 13 145, GW 12 -16, GY 7 -58, HK 22 114, HN 14 -87, HR 46 16, HT 19 -72,
	HU 48 19, ID -6 107, IE 53 -6, IL 32 35, IM 54 -4, IN 23 88, IO -7 72, IQ 33 44, IR 36 51, IS 64 -22, IT 42 12, JE 49 -2, JM 18 -77, JO 32 36,
	JP 36 140, KE -1 37, KG 43 75, KH 12 105, KI 1 173, KM -12 43, KN 17 -63, KP 39 126, KR 38 127, KW 29 48, KY 19 -81, KZ 43 77, LA 18 103, LB 34 36,
	LC 14 -61, LI 47 10, LK 7 80, LR 6 -11, LS -29 28, LT 55 25, LU 50 6, LV 57 24, LY 33 13, MA 34 -8, MC 44 7, MD 47 29, ME 42 19, MF 18 -63,
	MG -19 48, MH 7 171, MK 42 21, ML 13 -8, MM 17 96, MN 48 107, MO 22 114, MP 15 146, MQ 15 -61, MR 18 -16, MS 17 -62, MT 36 15, MU -20 58, MV 4 74,
	MW -16 35, MX 19 -99, MY 3 102, MZ -26 33, NA -23 17, NC -22 166, NE 14 2, NF -29 168, NG 6 3, NI 12 -86, NL 52 5, NO 60 11, NP 28 85, NR -1 167,
	NU -19 -170, NZ -37 175, OM 24 59, PA 9 -80, PE -12 -77, PF -18 -150, PG -10 147, PH 15 121, PK 25 67, PL 52 21, PM 47 -56, PN -25 -130, PR 18 -66,
	PS 32 35, PT 39 -9, PW 7 134, PY -25 -58, QA 25 52, RE -21 55, RO 44 26, RS 45 20, RU 56 38, RW -2 30, SA 25 47, SB -10 160, SC -5 55, SD 16 33,
	SE 59 18, SG 1 104, SH -16 -6, SI 46 15, SJ 78 16, SK 48 17, SL 8 -13, SM 44 12, SN 15 -17, SO 2 45, SR 6 -55, SS 5 32, ST 0 7, SV 14 -89, SX 18 -63,
	SY 34 36, SZ -26 31, TC 21 -71, TD 12 15, TF -49 70, TG 6 1, TH 14 101, TJ 39 69, TK -9 -171, TL -9 126, TM 38 58, TN 37 10, TO -21 -175, TR 41 29,
	TT 11 -62, TV -9 179, TW 25 122, TZ -7 39, UA 50 31, UG 0 32, UM 28 -177, US 42 -88, UY -35 -56, UZ 41 69, VA 42 12, VC 13 -61, VE 10 -67, VG 18 -65,
	VI 18 -65, VN 11 107, VU -18 168, WF -13 -176, WS -14 -172, XK 43 21, YE 13 45, YT -13 45, ZA -26 28, ZM -15 28, ZW -18 31`)

func points(list string) map[string]Point {
	all := map[string]Point{}
	for one := range strings.SplitSeq(list, ",") {
		f := strings.Fields(one)
		lat, _ := strconv.Atoi(f[1])
		lon, _ := strconv.Atoi(f[2])
		all[f[0]] = Point{Lat: float64(lat), Lon: float64(lon)}
	}
	return all
}
