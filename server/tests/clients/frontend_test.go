package clients_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"example.org/parley/server"
	"example.org/parley/server/playground/browsertest"
)

// The example page fits the schema, and shows what is recorded in a browser, from another origin: at once, and after the
// network was cut.
func TestExampleFrontend(t *testing.T) {
	t.Parallel()
	e := newExam(t, "frontend")
	folder := t.TempDir()
	const page = "../../../examples/frontend"
	for _, name := range []string{"src", "index.html", "package.json", "tsconfig.json", "vite.config.ts"} {
		run(t, ".", nil, "cp", "-r", filepath.Join(page, name), folder)
	}
	modules, err := filepath.Abs(filepath.Join(page, "node_modules"))
	if err == nil {
		err = os.Symlink(modules, filepath.Join(folder, "node_modules"))
	}
	nodes, err2 := filepath.Abs(filepath.Join(clienttest, node))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	e.schema(folder)
	run(t, folder, nil, nodes, "node_modules/gql.tada/bin/cli.js", "generate-output")
	run(t, folder, nil, nodes, "node_modules/svelte-check/bin/svelte-check", "--fail-on-warnings")
	run(t, folder, []string{"VITE_PARLEY=" + e.url() + server.GraphQLPath}, nodes, "node_modules/vite/bin/vite.js", "build")
	e.folder = filepath.Join(folder, "dist")

	browser := browsertest.New(t)
	shows := func(text string) {
		t.Helper()
		if err := chromedp.Do(browser, browsertest.WaitText(text)); err != nil {
			t.Fatalf("the page does not show %q: %v", text, err)
		}
	}
	if err := chromedp.Do(browser, chromedp.Navigate(e.page)); err != nil {
		t.Fatal(err)
	}
	shows("A line")
	shows("Nothing yet.")
	retitle := func(title string) {
		e.others.Must(`mutation($title: String!) { editScenario(input: {scenario: "talks/line", title: $title}) { userErrors { message } } }`,
			map[string]any{"title": title})
	}
	retitle("The line along the river")
	shows("The line along the river")
	shows("Edited scenario “A line”: title.")
	e.network.Cut()
	retitle("The line across the river")
	e.network.Lead("tcp", host(e.others))
	shows("The line across the river")
}
