package browser

import (
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Screen is how a reader sees a page.
type Screen struct {
	Width int64 // in CSS pixels
	Large bool  // whether the reader's text is twice as large
	Dark  bool
	Right bool // whether the page is laid out from right to left
}

// Screen changes the screen of the tab, also while it shows a page.
func (b *Tab) Screen(s Screen) {
	b.t.Helper()
	// Not as a phone: its browser would show a page that is too wide smaller, and so hide that it is.
	b.do("set the screen", chromedp.EmulateViewport(s.Width, 900))
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme},
			// Otherwise axe reads colours in the middle of their change.
			{Name: "prefers-reduced-motion", Value: "reduce"}}})
	// The setting of the browser, not a style of the page: media queries in em follow it too.
	fonts := page.FontSizes{Standard: 16, Fixed: 13}
	if s.Large {
		fonts = page.FontSizes{Standard: 32, Fixed: 26}
	}
	call(b, page.SetFontSizes, page.SetFontSizesParams{FontSizes: &fonts})
	direction := "ltr"
	if s.Right {
		direction = "rtl"
	}
	Eval[bool](b, `document.documentElement.dir = "`+direction+`", true`)
}

// Sideways returns how far the page is wider than the screen, and what is; nothing when it fits.
func (b *Tab) Sideways() []string {
	b.t.Helper()
	return Eval[[]string](b, `(() => {
		const s = document.scrollingElement, wide = s.scrollWidth - s.clientWidth;
		if (wide <= 0) return [];
		const found = [wide + " px too wide"];
		const right = getComputedStyle(document.documentElement).direction === "rtl";
		const hides = e => e && e !== document.body && e !== s &&
			(getComputedStyle(e).overflowX !== "visible" || hides(e.parentElement));
		for (const e of document.body.querySelectorAll("*")) {
			const box = e.getBoundingClientRect(), out = right ? -box.left : box.right - s.clientWidth;
			const spills = getComputedStyle(e).overflowX === "visible" && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0;
			if ((out >= 1 || spills) && !hides(e.parentElement))
				found.push(out.toFixed(0) + " px: " + e.outerHTML.slice(0, 120).replace(/\s+/g, " "));
		}
		return found.slice(0, 6);
	})()`)
}

// Beyond returns how far what a selector finds lies outside the screen, in pixels; -1 where nothing is found.
func (b *Tab) Beyond(selector string) float64 {
	b.t.Helper()
	return Eval[float64](b, `(() => {
		const e = document.querySelector("`+selector+`");
		if (!e) return -1;
		const box = e.getBoundingClientRect();
		return Math.max(0, -box.left, -box.top, box.right - innerWidth, box.bottom - innerHeight);
	})()`)
}

// Shift returns the cumulative layout shift of the page: how much moved while it was loaded and scrolled to its end.
func (b *Tab) Shift() float64 {
	b.t.Helper()
	return Eval[float64](b, `new Promise(done => {
		let sum = 0;
		const add = list => { for (const e of list) sum += e.value };
		const watch = new PerformanceObserver(list => add(list.getEntries()));
		watch.observe({type: "layout-shift", buffered: true});
		scrollTo(0, document.scrollingElement.scrollHeight);
		requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
			add(watch.takeRecords());
			watch.disconnect();
			scrollTo(0, 0);
			done(sum);
		}, 60)));
	})`)
}

// Scripts switches the scripts of pages on or off. [Eval] works all the same.
func (b *Tab) Scripts(on bool) {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// Cache switches the browser's cache of the tab on or off. Without it, each page is a first visit.
func (b *Tab) Cache(on bool) {
	b.t.Helper()
	call(b, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: !on})
}

// Lightness returns how light the background of the page is, from 0 for black to 1 for white.
func (b *Tab) Lightness() float64 {
	b.t.Helper()
	return Eval[float64](b, `(() => {
		const n = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number);
		return (n[0] + n[1] + n[2]) / 765;
	})()`)
}

// paperWidth is how many CSS pixels are between the margins of A4.
const paperWidth = 627

// Paper shows the page as it is printed, on A4.
func (b *Tab) Paper() {
	b.t.Helper()
	b.do("set the paper", chromedp.EmulateViewport(paperWidth, 950))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
}

// Shown reports whether the page shows anything that a selector finds.
func (b *Tab) Shown(selector string) bool {
	b.t.Helper()
	return Eval[bool](b, `[...document.querySelectorAll("`+selector+`")].some(e => e.getClientRects().length > 0)`)
}

// Cut returns what is wider than the place that it has, so that paper shows only a part of it.
func (b *Tab) Cut() []string {
	b.t.Helper()
	return Eval[[]string](b, `[...document.querySelectorAll("body, body *")]
		.filter(e => e.getClientRects().length > 0 && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1)
		.map(e => (e.scrollWidth - e.clientWidth) + " px: " + e.outerHTML.slice(0, 120).replace(/\s+/g, " "))`)
}
