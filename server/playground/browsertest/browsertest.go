// Package browsertest drives a headless Chromium in tests. It opens pages, operates GraphiQL as a reader would, and
// reports problems on the network and in the console.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// New starts a browser with an empty profile and a desktop-sized window, and returns a chromedp context for its only
// tab. The browser can reach only 127.0.0.1. It is stopped when the test ends, or after 60 seconds.
func New(t testing.TB) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		// chromedp creates the profile directory and removes it.
		chromedp.ExecPath(chromium(t)),
		chromedp.DisableGPU,
		// Even without a GPU, Chromium starts a process for it, and aborts ("GPU process isn't usable. Goodbye.") if
		// that process ends or hangs several times, as on a busy machine.
		chromedp.Flag("in-process-gpu", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true), // a proxy would resolve host names
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root with its sandbox
	}
	ctx, stopClock := context.WithTimeout(context.Background(), 60*time.Second)
	ctx, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	ctx, stopBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		stopBrowser()
		stopAllocator()
		stopClock()
	})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900)); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

// chromium returns the path of the browser. It looks for the same names as scripts/setup.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	t.Fatal("this test needs Chromium on PATH; `make test` installs it with scripts/setup")
	return ""
}

// Screenshot writes a picture of the tab to path, as PNG.
func Screenshot(t testing.TB, ctx context.Context, path string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatalf("take a screenshot: %v", err)
	}
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Watch collects problems of the page: requests to another origin than the given one (such as "http://127.0.0.1:8080"),
// requests that fail, errors in the console, and uncaught exceptions. The returned function lists those so far.
func Watch(t testing.TB, ctx context.Context, origin string) func() []string {
	t.Helper()
	var mu sync.Mutex
	var problems []string
	add := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		problems = append(problems, fmt.Sprintf(format, args...))
	}
	address := strings.TrimPrefix(strings.TrimPrefix(origin, "https"), "http") // "://host:port"
	own := func(url string) bool {
		scheme, _, _ := strings.Cut(url, ":")
		rest := strings.TrimPrefix(url, scheme)
		switch scheme {
		case "data", "blob":
			return true
		case "http", "https", "ws", "wss":
			return rest == address || strings.HasPrefix(rest, address+"/")
		}
		return false
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if !own(e.Request.URL) {
				add("request to another host: %s", e.Request.URL)
			}
		case *network.EventWebSocketCreated:
			if !own(e.URL) {
				add("WebSocket to another host: %s", e.URL)
			}
		case *network.EventWebSocketFrameError:
			add("WebSocket failed: %s", e.ErrorMessage)
		case *network.EventResponseReceived:
			if e.Response.Status >= 400 {
				add("status %d for %s", e.Response.Status, e.Response.URL)
			}
		case *network.EventLoadingFailed:
			add("loading failed: %s %s %s", e.Type, e.ErrorText, e.BlockedReason)
		case *log.EventEntryAdded:
			// The browser's own errors, such as a violation of the page's Content-Security-Policy.
			if e.Entry.Level == log.EntryLevelError {
				add("browser error: %s %s", e.Entry.Text, e.Entry.URL)
			}
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError {
				var text []string
				for _, arg := range e.Args {
					text = append(text, strings.TrimSpace(string(arg.Value)+" "+arg.Description))
				}
				add("console.error: %s", strings.Join(text, " "))
			}
		case *runtime.EventExceptionThrown:
			add("uncaught exception: %v", e.ExceptionDetails)
		}
	})
	if err != nil {
		t.Fatalf("listen to the browser: %v", err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), problems...)
	}
}

// tabs selects the labels of GraphiQL's tabs. A tab's other button closes it.
const tabs = `document.querySelectorAll('[role=tablist] [role=tab] > button:first-child')`

// Tabs waits for GraphiQL's tabs and returns their labels.
func Tabs() chromedp.Action[[]string] {
	return chromedp.Poll[[]string](`(() => {
		const labels = [...`+tabs+`].map(tab => tab.textContent);
		return labels.length ? labels : null;
	})()`, chromedp.WithPollingTimeout(maxWait))
}

// OpenTab switches GraphiQL to the tab of an operation and waits until the editor has parsed it. Until then, about a
// tenth of a second, GraphiQL would send the previous tab's operation name.
func OpenTab(operation string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		wait(`(() => {
			const tab = [...`+tabs+`].find(tab => tab.textContent === %s);
			tab?.click();
			return !!tab;
		})()`, operation),
		wait(`document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror.operationName === %s`,
			operation),
	)
}

// Execute presses GraphiQL's run button once the editor has parsed the query. Only then does GraphiQL know whether it
// is a subscription.
func Execute() chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		wait(`!!document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror.documentAST`),
		chromedp.Click(chromedp.CSS(`.graphiql-execute-button`)),
	)
}

// WaitAnswer waits until GraphiQL's result pane contains text.
func WaitAnswer(text string) chromedp.Action[chromedp.Void] {
	return wait(`document.querySelector('.graphiql-response .CodeMirror')?.CodeMirror.getValue().includes(%s)`, text)
}

// WaitText waits until the page shows text.
func WaitText(text string) chromedp.Action[chromedp.Void] {
	return wait(`document.body?.innerText.includes(%s)`, text)
}

// EditorText waits for GraphiQL's query editor and returns its text.
func EditorText() chromedp.Action[string] {
	return chromedp.Poll[string](`document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror.getValue()`,
		chromedp.WithPollingTimeout(maxWait))
}

// maxWait is long, since a browser on a busy machine can be slow.
const maxWait = 20 * time.Second

// wait waits until a JavaScript expression is true. Each %s in it stands for one of texts.
func wait(expression string, texts ...string) chromedp.Action[chromedp.Void] {
	quoted := make([]any, len(texts))
	for i, text := range texts {
		literal, _ := json.Marshal(text) // a string can always be encoded
		quoted[i] = string(literal)
	}
	expression = fmt.Sprintf(expression, quoted...)
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(maxWait))(ctx, target)
		if err != nil {
			err = fmt.Errorf("waiting for %s: %w", expression, err)
		}
		return chromedp.Void{}, err
	}
}
