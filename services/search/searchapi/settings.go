package searchapi

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// SynonymInput says which words stand for others: without To each of Words for all others of them; with To, who types one of Words finds what
// has one of To as well.
type SynonymInput struct {
	Language string   `json:"language,omitempty" doc:"Such as de; all when left out"`
	Words    []string `json:"words" doc:"Each of up to five words that stand beside each other"`
	To       []string `json:"to,omitempty"`
}

// Synonym is a synonym as it is stored.
type Synonym struct {
	ID string `json:"id"`
	SynonymInput
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updated_at"`
}

// RuleInput is what a merchandiser says of results: when it holds, and what it does.
type RuleInput struct {
	Name     string     `json:"name"`
	Priority int        `json:"priority,omitempty" doc:"Of rules that want the same the higher has its way, then the lower id"`
	StartsAt *time.Time `json:"starts_at,omitempty"`
	EndsAt   *time.Time `json:"ends_at,omitempty" doc:"It holds before this moment"`
	When     When       `json:"when,omitempty"`
	Share    *Share     `json:"share,omitempty" doc:"Of the visitors for whom it holds; all when left out"`
	Then     []Action   `json:"then"`
}

// Rule is a rule as it is stored.
type Rule struct {
	ID string `json:"id"`
	RuleInput
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Change is a change of a synonym, rule or row: GET /v1/admin/search/audit.
type Change struct {
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Kind    string    `json:"kind" enum:"synonym,rule,row"`
	ID      string    `json:"id"`
	Action  string    `json:"action" enum:"put,delete"`
	Version int64     `json:"version" doc:"Of the settings, with the change"`
	Before  any       `json:"before" doc:"As it was put; null where there was none"`
	After   any       `json:"after" doc:"As it was put; null where it was taken out"`
}

// When is where a rule holds: all that it names must fit, by one of the values of each.
type When struct {
	Match      string   `json:"match,omitempty" doc:"any: something was typed; exact: one of the texts; contains: one of the texts among other words; left out: always"`
	Texts      []string `json:"texts,omitempty"`
	Categories []string `json:"categories,omitempty" doc:"Codes: one of them, or one below it, is looked at"`
	Segments   []string `json:"segments,omitempty"`
	Locales    []string `json:"locales,omitempty" doc:"de is de-AT as well"`
	Channels   []string `json:"channels,omitempty"`
}

// Share is a part of the visitors of a test, in percent from From up to but not including To.
type Share struct {
	Test string `json:"test"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// Action is one thing that a rule does; its kind says which of the others it has.
type Action struct {
	Kind     string   `json:"kind" doc:"boost, pin, exclude, redirect or banner"`
	Filters  []Filter `json:"filters,omitempty" doc:"Of a boost: what fits all of them"`
	NewDays  int      `json:"new_days,omitempty" doc:"Of a boost: and is at most so many days in the shop"`
	Factor   float64  `json:"factor,omitempty" doc:"Of a boost: 0.1 to 10, below 1 to bury"`
	Product  string   `json:"product,omitempty" doc:"Id, of a pin or exclude"`
	Position int      `json:"position,omitempty" doc:"Of a pin: 1 is the first"`
	URL      string   `json:"url,omitempty" doc:"Of a redirect: /sale or https://…"`
	Banner   *Banner  `json:"banner,omitempty"`
}

// Filter takes what has one of the values of a field, or a number within the bounds, both included. Prices are in minor units.
type Filter struct {
	Field string   `json:"field" doc:"brand, category, price, in_stock, rating, published or attr.<code>"`
	Any   []string `json:"any,omitempty"`
	Min   *float64 `json:"min,omitempty"`
	Max   *float64 `json:"max,omitempty"`
}

// Banner stands above results.
type Banner struct {
	Title    string `json:"title"`
	Text     string `json:"text,omitempty"`
	ImageURL string `json:"image_url,omitempty"`
	URL      string `json:"url,omitempty"`
}

// PreviewInput is a listing as a visitor would get it, at a moment. Attributes are as attr.<code> of a listing.
type PreviewInput struct {
	Query      string              `json:"query,omitempty" maxLength:"200"`
	AsTyped    bool                `json:"as_typed,omitempty"`
	Category   string              `json:"category,omitempty" maxLength:"200"`
	Brand      string              `json:"brand,omitempty" maxLength:"64"`
	PriceMin   *int64              `json:"price_min,omitempty" minimum:"0"`
	PriceMax   *int64              `json:"price_max,omitempty" minimum:"0"`
	InStock    bool                `json:"in_stock,omitempty"`
	Attributes map[string][]string `json:"attributes,omitempty" maxProperties:"20"`
	Sort       string              `json:"sort,omitempty" enum:"relevance,price,-price,newest,rating,popularity"`
	Currency   string              `json:"currency,omitempty" maxLength:"3"`
	Country    string              `json:"country,omitempty" maxLength:"2"`
	Language   string              `json:"language,omitempty" pattern:"^[a-z]{2,3}(-([A-Z]{2}|[0-9]{3}))?$"`
	Locale     string              `json:"locale,omitempty" pattern:"^[a-z]{2,3}(-[A-Z]{2})?$"`
	Channel    string              `json:"channel,omitempty" maxLength:"64"`
	Visitor    string              `json:"visitor,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9_-]*$"`
	Segments   []string            `json:"segments,omitempty" maxItems:"50"`
	Seen       []string            `json:"seen,omitempty" maxItems:"20" doc:"Ids or slugs of what the visitor has looked at, the last one last"`
	At         *time.Time          `json:"at,omitempty" doc:"When rules are to hold; prices and stock are those of now"`
	Limit      int                 `json:"limit,omitempty" minimum:"1" maximum:"100" default:"24"`
}

// Preview answers POST /v1/admin/search/preview: the first page, and why it is as it is.
type Preview struct {
	Hits           []PreviewHit     `json:"hits"`
	Total          int              `json:"total"`
	CorrectedQuery string           `json:"corrected_query,omitempty"`
	Relaxed        []string         `json:"relaxed,omitempty"`
	Partial        bool             `json:"partial,omitempty"`
	Complete       int              `json:"complete,omitempty"`
	Pins           []PreviewPin     `json:"pins"`
	Excluded       []PreviewExclude `json:"excluded"`
	Redirect       *PreviewRedirect `json:"redirect,omitempty"`
	Banners        []PreviewBanner  `json:"banners"`
	Tests          []PreviewTest    `json:"tests" doc:"Rules that are tested and that the visitor met"`
}

// PreviewHit is a product, and why it is here.
type PreviewHit struct {
	Product  catalogapi.ProductSummary `json:"product"`
	Position int                       `json:"position"`
	Score    float64                   `json:"score"`
	PinnedBy string                    `json:"pinned_by,omitempty" doc:"Id of a rule"`
	Why      []Reason                  `json:"why" doc:"Words add up, to 1 where there are none; factors multiply that"`
}

// Reason is a part of a score: a word in a field, popularity, or a rule.
type Reason struct {
	Text   string  `json:"text" doc:"The reason in words"`
	Word   string  `json:"word,omitempty"`
	Field  string  `json:"field,omitempty"`
	Rule   string  `json:"rule,omitempty" doc:"Id, or popularity, or seen"`
	Adds   float64 `json:"adds,omitempty"`
	Factor float64 `json:"factor,omitempty"`
}

// PreviewPin is a product that a rule pins, and whether the query finds it.
type PreviewPin struct {
	Product  string `json:"product"`
	Position int    `json:"position"`
	Rule     string `json:"rule"`
	Shown    bool   `json:"shown" doc:"It is on this page"`
}

// PreviewExclude is a product that a rule leaves out.
type PreviewExclude struct {
	Product string `json:"product"`
	Rule    string `json:"rule"`
}

// PreviewRedirect is where a rule leads.
type PreviewRedirect struct {
	URL  string `json:"url"`
	Rule string `json:"rule"`
}

// PreviewBanner is a banner of a rule.
type PreviewBanner struct {
	Banner
	Rule string `json:"rule"`
}

// PreviewTest is a rule that is tested, and whether it holds for the visitor.
type PreviewTest struct {
	Test    string `json:"test"`
	Rule    string `json:"rule"`
	Applied bool   `json:"applied"`
}

// PathInteractions takes Interaction; 204.
const PathInteractions = "/v1/products/interactions"

// Interaction is what a visitor did with what a listing showed. It counts for the tests that he has met.
type Interaction struct {
	Visitor string        `json:"visitor" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_-]+$" doc:"The name that his listings were asked for with"`
	Type    string        `json:"type" enum:"view,cart,order" doc:"He opened a product, put one into his cart, or placed an order"`
	OrderID string        `json:"order_id,omitempty" maxLength:"64" doc:"Of an order, which counts once"`
	Value   *money.Amount `json:"value,omitempty" doc:"Of an order"`
}

// Test is a test of rules with what its arms have brought: GET /v1/admin/search/tests.
type Test struct {
	Test  string   `json:"test"`
	Rules []string `json:"rules" doc:"Ids of those that name it"`
	Arms  []Arm    `json:"arms" doc:"The visitors for whom the same of its rules hold, all together 0–100"`
}

// Arm is what visitors of an arm did from their first meeting on, at most 90 days back. People count once each, orders each.
type Arm struct {
	From     int            `json:"from" doc:"Percent"`
	To       int            `json:"to"`
	Rules    []string       `json:"rules" doc:"Ids of those that hold; none: what to compare with"`
	Visitors int64          `json:"visitors"`
	Viewed   int64          `json:"viewed" doc:"Of them those who opened a product"`
	Carted   int64          `json:"carted"`
	Bought   int64          `json:"bought"`
	Orders   int64          `json:"orders"`
	Revenue  []money.Amount `json:"revenue" doc:"By currency, as the orders were placed"`
}
