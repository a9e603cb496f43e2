package postgres

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const setupScript = "../../scripts/setup-postgres"

// The script must search where Start searches. Otherwise it may report success where Start fails.
func TestSetupScriptSearchesTheSamePlaces(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(setupScript)
	if err != nil {
		t.Fatal(err)
	}
	_, places, _ := strings.Cut(string(text), "places() {")
	places, _, _ = strings.Cut(places, "\n}")
	var got []string
	for _, word := range strings.Fields(places) {
		if strings.HasPrefix(word, "/") {
			got = append(got, word)
		}
	}
	want := slices.DeleteFunc(installFolders(), func(folder string) bool {
		cache, err := os.UserCacheDir()
		return err == nil && strings.HasPrefix(folder, cache)
	})
	if !slices.Equal(got, want) {
		t.Errorf("the script searches\n%v\nStart searches\n%v", got, want)
	}
}

func TestSetupScriptFindsTheSame(t *testing.T) {
	root := openDir(t)
	who, err := serverAccount(root, false)
	if err != nil {
		t.Fatal(err)
	}
	old := fakeBinaries(t, filepath.Join(root, "old"), "14.9")
	good := fakeBinaries(t, filepath.Join(root, "a good one"), "90.1")
	// only root can reach it, and root can't run the server
	closed := fakeBinaries(t, filepath.Join(t.TempDir(), "closed"), "91.1")
	links := filepath.Join(root, "links")
	write(t, filepath.Join(links, ".keep"), "", 0o600)
	if err := os.Symlink("../a good one/postgres", filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH")
	for name, test := range map[string]struct{ override, path string }{
		"this machine's": {testBinaries, path},
		"in PATH":        {"", old + ":" + good + ":" + path},
		"linked":         {"", links + ":" + path},
		"closed":         {"", closed + ":" + good + ":" + path},
		"override":       {good, path},
		"old override":   {old, path},
		"empty override": {root, path},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", test.path)
			t.Setenv("PARLEY_POSTGRES_BIN", test.override)
			want, wantErr := findBinaries(t.Context(), test.override, 0, "", who)
			out, err := exec.Command(setupScript, "--find").Output()
			if got := strings.TrimSpace(string(out)); got != want.bin || (err == nil) != (wantErr == nil) {
				t.Errorf("the script finds %q (%v), Start %q (%v)", got, err, want.bin, wantErr)
			}
			// With binaries the script prints one line. It does not fill an override folder without binaries.
			said, err := exec.Command(setupScript).CombinedOutput()
			if lines := strings.Count(string(said), "\n"); lines != 1 || (err == nil) != (wantErr == nil) {
				t.Errorf("the script says %q (%v), want one line", said, err)
			}
		})
	}
}
