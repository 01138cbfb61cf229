// Package browser looks at the pages of the program in a real browser. [Start] starts Chromium, which all tests of a
// binary share, and [Browser.Tab] opens a tab in it. A [Tab] is set up as a reader's screen is ([Screen]), opens pages,
// and says what it saw: what was requested, what the console said, what moved, what is wider than the screen, and what
// axe finds. [CheckHTML] asks the Nu HTML Checker, and [Lighthouse] Lighthouse.
//
// Chromium comes from PATH, and the other tools from .ci/tools, where “npm ci” installs them. Where one of them is
// missing, the tests that need it are skipped. With browser in CAUSERIE_TEST_REQUIRE they fail instead.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"causerie/internal/store/storetest"
)

// Tools is the folder in which npm installs what the tests use beside the browser, seen from a package of internal.
const Tools = "../../.ci/tools/node_modules"

// patience is how long anything in a tab may take. A machine that runs other tests as well is slow.
const patience = time.Minute

// Required reports whether the tests of the pages must not be skipped.
func Required() bool { return storetest.Required("browser") }

// need skips a test that lacks a program or a file, or fails it where browsers are required.
func need(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if Required() {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s is missing, so this is not looked at: %v", what, err)
}

// tool returns the absolute path of a file that npm installed, and skips the test where there is none.
func tool(t testing.TB, path ...string) string {
	t.Helper()
	full, err := filepath.Abs(filepath.Join(append([]string{Tools}, path...)...))
	if err == nil {
		_, err = os.Stat(full)
	}
	need(t, "“npm ci” in .ci/tools", err)
	return full
}

// program returns the path of a program, and skips the test where there is none.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	need(t, "Debian's package of "+name, err)
	return path
}

// temporary returns a folder for what a browser leaves behind when it is ended. It is not t.TempDir: that fails the
// test when a dying process still writes to it.
func temporary(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "causerie-browser-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// Browser is a Chromium that runs.
type Browser struct {
	ctx context.Context
}

// Start starts Chromium, with a profile of its own, until the end of the test. The test is skipped where there is no
// Chromium.
func Start(t testing.TB) *Browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program(t, "chromium")),
		chromedp.DisableGPU, chromedp.Flag("lang", "en"),
		chromedp.Env("TMPDIR="+temporary(t)),
		// The sandbox does not work for root, nor where users may have no namespaces. The pages are our own.
		chromedp.NoSandbox)
	// Not t.Context: that one ends before the clean-up, which waits for the end of the process.
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		cancel()
		end()
		chromedp.FromContext(ctx).Allocator.Wait()
	})
	// The first action has no deadline of its own: chromedp ends the browser with the context of this call.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return &Browser{ctx}
}

// Tab opens a tab that shares the cookies of the others, until the end of the test.
func (b *Browser) Tab(t testing.TB) *Tab { return b.open(t) }

// Stranger opens a tab with cookies of its own.
func (b *Browser) Stranger(t testing.TB) *Tab { return b.open(t, chromedp.WithNewBrowserContext()) }

func (b *Browser) open(t testing.TB, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, options...)
	t.Cleanup(cancel)
	tab := &Tab{t, ctx, &ears{}}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return tab
}

// Tab is a tab of the browser. It is not for several goroutines.
type Tab struct {
	t   testing.TB
	ctx context.Context
	*ears
}

// ears hold what a tab heard of its page. chromedp fills them from another goroutine.
type ears struct {
	mu   sync.Mutex
	page Page
	main network.RequestID // of the page itself
}

// For returns the same tab, for a subtest.
func (b *Tab) For(t testing.TB) *Tab { return &Tab{t, b.ctx, b.ears} }

// Page is what the tab noticed since it began to open the page.
type Page struct {
	Status   int64
	Source   []byte // as the server sent it
	Requests []Request
	Console  []string // errors and warnings, and what scripts threw
}

// Request is a request that a page caused.
type Request struct {
	ID    network.RequestID
	URL   string
	Kind  network.ResourceType
	Bytes float64 // on the wire, with the header
}

// hear notes an event of the tab.
func (b *ears) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.page.Requests = append(b.page.Requests, Request{ID: e.RequestID, URL: e.Request.URL, Kind: e.Type})
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.main, b.page.Status = e.RequestID, e.Response.Status
		}
	case *network.EventLoadingFinished:
		for i := range b.page.Requests {
			if b.page.Requests[i].ID == e.RequestID {
				b.page.Requests[i].Bytes = e.EncodedDataLength
			}
		}
	case *runtime.EventConsoleAPICalled:
		b.page.Console = append(b.page.Console, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		b.page.Console = append(b.page.Console, "thrown: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		// Chromium also says here that the page itself answered 404 or 410, which the status tells.
		if e.Entry.NetworkRequestID != b.main {
			b.page.Console = append(b.page.Console, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	}
}

// do runs actions within the deadline.
func (b *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// call sends a command of the protocol.
func call[P, R any](b *Tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// Eval evaluates an expression in the page, and waits for the promise if it is one.
func Eval[T any](b *Tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate: %v", err)
	}
	return value
}

// Open opens an address and waits until the page and all that it names are loaded.
func (b *Tab) Open(address string) Page {
	b.t.Helper()
	b.forget()
	b.do("open "+address, chromedp.Navigate(address))
	return b.Page()
}

// Press clicks on what a selector finds, and waits for the page that this opens.
func (b *Tab) Press(selector string) Page {
	b.t.Helper()
	b.forget()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("press %s: %v", selector, err)
	}
	return b.Page()
}

// Type writes a text into the field that a selector finds, in the place of what is there.
func (b *Tab) Type(selector, text string) {
	b.t.Helper()
	Eval[bool](b, fmt.Sprintf("document.querySelector(%q).value = '', true", selector))
	b.do("type into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Choose chooses a file in the field that a selector finds.
func (b *Tab) Choose(selector, path string) {
	b.t.Helper()
	b.do("choose a file in "+selector, chromedp.SetUploadFiles(chromedp.CSS(selector), []string{path}))
}

// Page returns what the tab noticed of its page so far.
func (b *Tab) Page() Page {
	b.t.Helper()
	b.mu.Lock()
	seen, id := b.page, b.main
	b.mu.Unlock()
	if id != "" && seen.Source == nil {
		seen.Source = call(b, network.GetResponseBody, network.GetResponseBodyParams{RequestID: id}).Body
	}
	return seen
}

func (b *ears) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.page, b.main = Page{}, ""
}

// PDF prints the page on A4.
func (b *Tab) PDF() []byte {
	b.t.Helper()
	const inches = 1 / 2.54
	return call(b, page.PrintToPDF, page.PrintToPDFParams{PaperWidth: 21 * inches, PaperHeight: 29.7 * inches}).Data
}

// Picture writes a picture of the whole page to the folder that CAUSERIE_TEST_SCREENSHOTS names, and does nothing where
// there is none.
func (b *Tab) Picture(name string) {
	b.t.Helper()
	folder := os.Getenv("CAUSERIE_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	err = errors.Join(err, os.MkdirAll(folder, 0o755))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Errorf("picture of %s: %v", name, err)
	}
}
