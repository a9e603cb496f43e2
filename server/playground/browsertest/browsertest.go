// Package browsertest drives a real, headless Chromium in tests: it opens
// pages, works GraphiQL as a reader would, and reports what went wrong on the
// network or in the console.
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

// New starts a browser with an empty profile and a desktop-sized window, and
// returns a chromedp context for its one tab. The browser resolves no host name
// and so reaches 127.0.0.1 only. It ends with the test, or after 60 seconds.
func New(t testing.TB) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		// chromedp itself makes a new profile directory and removes it again.
		chromedp.ExecPath(chromium(t)),
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true), // a proxy would resolve names for it
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses root otherwise
	}
	const attempts = 3 // once in many times Chromium dies as it starts
	for attempt := 1; ; attempt++ {
		ctx, stopClock := context.WithTimeout(context.Background(), 60*time.Second)
		ctx, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
		ctx, stopBrowser := chromedp.NewContext(ctx)
		t.Cleanup(func() {
			stopBrowser()
			stopAllocator()
			stopClock()
		})
		err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900))
		if err == nil {
			return ctx
		}
		if attempt == attempts {
			t.Fatalf("start the browser: %v", err)
		}
		t.Logf("start the browser: %v", err)
	}
}

// chromium finds the browser under the names scripts/setup-chromium looks for.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	t.Fatal("This test drives a real browser and found no Chromium on PATH: `make test` installs it through scripts/setup-chromium.")
	return ""
}

// Screenshot writes what the tab shows to path, as PNG.
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

// Watch collects from now on everything a page must not do: requests to
// anywhere but origin (such as "http://127.0.0.1:8080"), requests that fail,
// errors in the console and uncaught exceptions. The function it returns
// gives the list so far.
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
			// The browser's own complaints, such as a breach of the page's
			// Content-Security-Policy.
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

// tabs are the labels of GraphiQL's tabs; a tab's other button closes it.
const tabs = `document.querySelectorAll('[role=tablist] [role=tab] > button:first-child')`

// Tabs returns the labels of GraphiQL's tabs, once they are there.
func Tabs() chromedp.Action[[]string] {
	return chromedp.Poll[[]string](`(() => {
		const labels = [...`+tabs+`].map(tab => tab.textContent);
		return labels.length ? labels : null;
	})()`, chromedp.WithPollingTimeout(patience))
}

// OpenTab switches GraphiQL to the tab labelled with this operation name and
// waits until the editor has understood it. Before that, about a tenth of a
// second, GraphiQL would still send the previous tab's operation name.
func OpenTab(operation string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		wait(`(() => {
			const tab = [...`+tabs+`].find(tab => tab.textContent === %s);
			tab?.click();
			return !!tab;
		})()`, operation),
		wait(`document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror.operationName === %s`, operation),
	)
}

// Execute presses GraphiQL's run button, as soon as the editor has parsed the
// query: it then knows a subscription from a query.
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

// EditorText returns what GraphiQL's query editor holds, once it is there.
func EditorText() chromedp.Action[string] {
	return chromedp.Poll[string](`document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror.getValue()`,
		chromedp.WithPollingTimeout(patience))
}

// patience is generous: a browser on a busy machine can be slow.
const patience = 20 * time.Second

// wait polls a JavaScript expression, in which each %s stands for one of texts.
func wait(expression string, texts ...string) chromedp.Action[chromedp.Void] {
	quoted := make([]any, len(texts))
	for i, text := range texts {
		literal, _ := json.Marshal(text) // a string always has a JSON form
		quoted[i] = string(literal)
	}
	expression = fmt.Sprintf(expression, quoted...)
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(patience))(ctx, target)
		if err != nil {
			err = fmt.Errorf("waiting for %s: %w", expression, err)
		}
		return chromedp.Void{}, err
	}
}
