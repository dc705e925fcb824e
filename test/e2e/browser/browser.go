// Package browser is a shopper's Chromium for tests of the shop's pages: headless, with an empty profile, and strict. Whatever a page does that a visitor
// should not have to bear fails the test: an error on the console, an exception that nobody caught, a breach of the content security policy, a request that
// failed or went to another host.
//
//	Tab ── Chromium's DevTools protocol (chromedp) ── pages of the storefront
//	 └─ what went wrong meanwhile, asked at the end of the test
//
// What may go wrong: a page that changes by itself is not there yet. Every look at it waits for a while.
package browser

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/sidecart/sidecart/test/e2e/shop"
)

// Patience is how long something may take to appear on a page, on a machine that has other things to do.
const Patience = 30 * time.Second

// Tab is one tab of a browser of its own.
type Tab struct {
	testing.TB
	Base string // of the shop

	ctx     context.Context
	mu      sync.Mutex
	wrong   []string
	allowed *regexp.Regexp // "404 http://…": answers that the test wants
	sent    map[network.RequestID]string
}

// Open starts a browser for the test. It is gone when the test ends, and what went wrong in it is told.
func Open(t testing.TB, base string) *Tab {
	t.Helper()
	tab := &Tab{TB: t, Base: base, sent: map[network.RequestID]string{}}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(time.Minute), chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), flags...) // stopped below, after what the test has at its own end
	ctx, leave := chromedp.NewContext(ctx, chromedp.WithListener(tab.watch))
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	t.Cleanup(func() {
		cancel()
		leave()
		stop()
		for _, w := range tab.Wrong() {
			t.Error("in the browser: " + w)
		}
	})
	tab.ctx = ctx
	tab.Size(1280, 900)
	tab.must(chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchPaint}))
	return tab
}

// watchPaint notes what moves while a page is loaded, and when its largest part was seen.
const watchPaint = `window.painted = {shift: 0, largest: 0};
new PerformanceObserver(l => l.getEntries().forEach(e => { if (!e.hadRecentInput) painted.shift += e.value; })).observe({type: "layout-shift", buffered: true});
new PerformanceObserver(l => l.getEntries().forEach(e => { painted.largest = e.startTime; })).observe({type: "largest-contentful-paint", buffered: true});`

// must fails the test on the error of a command.
func (tab *Tab) must(_ any, err error) {
	tab.Helper()
	if err != nil {
		tab.Fatal(err)
	}
}

// watch looks at what the browser tells.
func (tab *Tab) watch(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		tab.note("", "exception: %s", ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning || ev.Type == runtime.ConsoleAPICalledTypeAssert {
			var said []string
			for _, a := range ev.Args {
				said = append(said, string(a.Value)+a.Description)
			}
			tab.note("", "console: %s", strings.Join(said, " "))
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError && ev.Entry.Source != log.EntrySourceNetwork { // those are told below
			tab.note("", "%s: %s", ev.Entry.Source, ev.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		tab.mu.Lock()
		tab.sent[ev.RequestID] = ev.Request.URL
		tab.mu.Unlock()
		if u, err := url.Parse(ev.Request.URL); err != nil || (u.Scheme != "data" && u.Scheme != "blob" && u.Scheme+"://"+u.Host != tab.Base) {
			tab.note("", "a request to %s", ev.Request.URL)
		}
	case *network.EventResponseReceived:
		if ev.Response.Status >= 400 {
			answer := fmt.Sprintf("%d %s", int(ev.Response.Status), ev.Response.URL)
			tab.note(answer, "answered by %s", answer)
		}
	case *network.EventLoadingFailed:
		if !ev.Canceled || ev.BlockedReason != "" {
			tab.mu.Lock()
			asked := tab.sent[ev.RequestID]
			tab.mu.Unlock()
			tab.note("", "%s failed: %s %s", asked, ev.ErrorText, ev.BlockedReason)
		}
	}
}

func (tab *Tab) note(answer, format string, args ...any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	if answer == "" || tab.allowed == nil || !tab.allowed.MatchString(answer) {
		tab.wrong = append(tab.wrong, fmt.Sprintf(format, args...))
	}
}

// Allow lets answers of 400 and above pass that match: "^404 .*/p/gone$".
func (tab *Tab) Allow(answers string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.allowed = regexp.MustCompile(answers)
}

// Wrong is what went wrong so far.
func (tab *Tab) Wrong() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string(nil), tab.wrong...)
}

// Size is that of the window, in CSS pixels.
func (tab *Tab) Size(width, height int64) {
	tab.Helper()
	tab.must(chromedp.Call(tab.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}))
}

// Scheme is "light" or "dark"; motion is reduced, so that nothing is seen half-way.
func (tab *Tab) Scheme(scheme string) {
	tab.Helper()
	tab.must(chromedp.Call(tab.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}))
}

// WithoutScript is how pages are from now on.
func (tab *Tab) WithoutScript() {
	tab.Helper()
	tab.must(chromedp.Call(tab.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// Go opens an address of the shop and waits until it is loaded.
func (tab *Tab) Go(path string) {
	tab.Helper()
	if err := chromedp.Do(tab.ctx, chromedp.Navigate(tab.Base+path)); err != nil {
		tab.Fatalf("%s: %v", path, err)
	}
}

// Carry gives the browser cookies of the shop.
func (tab *Tab) Carry(cookies map[string]string) {
	tab.Helper()
	yes := true
	for name, value := range cookies {
		tab.must(chromedp.Call(tab.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: tab.Base + "/", Path: "/", Secure: &yes, HTTPOnly: &yes, SameSite: network.CookieSameSiteLax}))
	}
}

// Eval is the value of a script of the test's, awaited.
func Eval[T any](tab *Tab, script string) T {
	tab.Helper()
	v, err := chromedp.Run(tab.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.Fatalf("%.200s: %v", script, err)
	}
	return v
}

// Await waits until a script is true.
func (tab *Tab) Await(what, script string) {
	tab.Helper()
	shop.Eventually(tab, Patience, func() error {
		ctx, cancel := context.WithTimeout(tab.ctx, Patience)
		defer cancel()
		if v, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+script+")")); err != nil || !v {
			return fmt.Errorf("%s: not on %s", what, tab.where())
		}
		return nil
	})
}

// where is the address and the beginning of what is to be read there, for complaints.
func (tab *Tab) where() string {
	v, err := chromedp.Run(tab.ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.querySelector("main") || document.body).innerText.slice(0, 1500)`))
	if err != nil {
		return err.Error()
	}
	return v
}

// At waits until the address, path and query, matches, and the page is loaded, and what htmx changes of it is there and listens.
func (tab *Tab) At(path string) {
	tab.Helper()
	tab.Await("the address "+path, fmt.Sprintf("document.readyState === 'complete' && !document.querySelector('.htmx-request, .htmx-swapping, .htmx-added, .htmx-settling') && new RegExp(%q).test(location.pathname + location.search)", path))
}

// Sees waits until the part of a page holds a text.
func (tab *Tab) Sees(selector, text string) {
	tab.Helper()
	tab.Await(fmt.Sprintf("%q in %s", text, selector), fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.checkVisibility() && e.innerText.replace(/\\s+/g, ' ').includes(%q))", selector, text))
}

// Text is what can be read in the first part that fits.
func (tab *Tab) Text(selector string) string {
	tab.Helper()
	tab.Await(selector, fmt.Sprintf("document.querySelector(%q)", selector))
	return strings.Join(strings.Fields(Eval[string](tab, fmt.Sprintf("document.querySelector(%q).innerText", selector))), " ")
}

// Count is how many parts fit.
func (tab *Tab) Count(selector string) int {
	tab.Helper()
	return Eval[int](tab, fmt.Sprintf("document.querySelectorAll(%q).length", selector))
}

// Click clicks the first part that fits and can be seen, once what htmx has changed of the page is there and listens.
func (tab *Tab) Click(selector string) {
	tab.Helper()
	tab.Await("a page at rest", "!document.querySelector('.htmx-swapping, .htmx-added, .htmx-settling')")
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		tab.Fatalf("click %s: %v\n%s", selector, err, tab.where())
	}
}

// Fill writes into a field what it shall have, as somebody types it.
func (tab *Tab) Fill(selector, text string) {
	tab.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Clear(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text)); err != nil {
		tab.Fatalf("fill %s: %v\n%s", selector, err, tab.where())
	}
}

// Choose picks an option of a list by its value.
func (tab *Tab) Choose(selector, value string) {
	tab.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.SetValue(chromedp.CSS(selector), value)); err != nil {
		tab.Fatalf("choose %s of %s: %v\n%s", value, selector, err, tab.where())
	}
}

// Type types into what has the focus.
func (tab *Tab) Type(text string) {
	tab.Helper()
	for _, c := range text {
		tab.Press(string(c))
	}
}

// Press presses keys: the characters, or those of package kb.
func (tab *Tab) Press(keys string, modifiers ...chromedp.Modifier) {
	tab.Helper()
	if err := chromedp.Do(tab.ctx, chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...))); err != nil {
		tab.Fatal(err)
	}
}

// highest is how much of a long page a picture shows, in CSS pixels.
const highest = 2400

// Picture is the page as it is seen in a window of this width, from its top, WebP.
func (tab *Tab) Picture(width int64) []byte {
	tab.Helper()
	Eval[bool](tab, `(async () => { // what is lazy comes now, if it comes at all
		const pictures = [...document.images].map(i => { i.loading = "eager"; return i.decode().catch(() => {}); });
		await Promise.race([Promise.all(pictures), new Promise(r => setTimeout(r, 5000))]);
		return true;
	})()`)
	height := Eval[float64](tab, "document.documentElement.scrollHeight")
	quality := int64(75)
	beyond := true
	shot, err := chromedp.Call(tab.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality, CaptureBeyondViewport: &beyond,
		Clip: &page.Viewport{Width: float64(width), Height: min(height, highest), Scale: 1}})
	if err != nil {
		tab.Fatal(err)
	}
	return shot.Data
}
