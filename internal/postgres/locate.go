package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// binaries is a folder that holds postgres and initdb, and their major version.
type binaries struct {
	bin   string
	major int
}

// installFolders returns the folders where packages put PostgreSQL, in the order in which they are searched after PATH.
// Of several versions in one of them, the newest is first. scripts/setup-postgres searches the same folders and fills
// the cache folder; a test compares the two lists.
func installFolders() []string {
	folders := []string{
		"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
		"/usr/pgsql-*/bin",          // Red Hat, Fedora
		"/usr/lib/postgresql*/bin",  // SUSE
		"/usr/libexec/postgresql*",  // Alpine
		"/usr/local/pgsql/bin",      // built from source
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin", // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/var/cache/parley/postgres/*/bin", // set up by root, where the account that root drops to can reach it
	}
	if cache, err := os.UserCacheDir(); err == nil {
		folders = append(folders, filepath.Join(cache, "parley", "postgres", "*", "bin"))
	}
	return folders
}

// searched are the folders where binaries are looked for.
func searched(override string) ([]string, error) {
	if override == "" {
		return append(filepath.SplitList(os.Getenv("PATH")), installFolders()...), nil
	}
	absolute, err := filepath.Abs(override)
	return []string{absolute}, err
}

// newestBinaries returns the usable binaries of the newest version.
func newestBinaries(ctx context.Context, override string, who account) (binaries, error) {
	newest, err := findBinaries(ctx, override, 0, "", who)
	if err != nil {
		return newest, err
	}
	places, err := searched(override)
	for _, dir := range binaryFolders(places) {
		if major, unusable := majorOf(ctx, dir, who); unusable == nil && major > newest.major {
			newest = binaries{bin: dir, major: major}
		}
	}
	return newest, err
}

// findBinaries returns the first usable binaries of the version that made the data directory. For a new directory (made
// is 0) it returns the first that are recent enough. Binaries are usable if the server's account can run them: that
// account can't run a download in root's home.
func findBinaries(ctx context.Context, override string, made int, dataDir string, who account) (binaries, error) {
	if made != 0 && made < minMajor {
		return binaries{}, fmt.Errorf(
			"the data in %s was made by PostgreSQL %d and is left untouched, but Parley needs version %d or later: "+
				"dump the data with the old version and load them into a new directory",
			dataDir, made, minMajor)
	}
	places, err := searched(override)
	if err != nil {
		return binaries{}, err
	}
	var found, unusable []string
	for _, dir := range binaryFolders(places) {
		major, err := majorOf(ctx, dir, who)
		switch {
		case errors.As(err, new(*privilegeError)):
			return binaries{}, err // no other binaries will run either
		case err != nil:
			unusable = append(unusable, fmt.Sprintf("%s (%v)", dir, err))
		case made == 0 && major < minMajor:
			unusable = append(unusable, fmt.Sprintf("%s (version %d is too old)", dir, major))
		case made == 0 || major == made:
			return binaries{bin: dir, major: major}, nil
		default:
			found = append(found, fmt.Sprintf("%d in %s", major, dir))
		}
	}
	if len(found) > 0 {
		return binaries{}, fmt.Errorf(
			"the data in %s was made by PostgreSQL %d and is left untouched, but only PostgreSQL %s was found: "+
				"install version %d too; then parley upgrade-database brings the data to the newer one",
			dataDir, made, strings.Join(found, ", "), made)
	}
	what := fmt.Sprintf("PostgreSQL %d or later was not found", minMajor)
	if made != 0 {
		what = fmt.Sprintf("PostgreSQL %d, which made the data in %s, was not found", made, dataDir)
	}
	if override != "" {
		what += " in " + override
	}
	if len(unusable) > 0 {
		what += "; not usable: " + strings.Join(unusable, ", ")
	}
	return binaries{}, errors.New(what + "; install it (apt install postgresql, or brew install postgresql), " +
		"or run `make setup`, or set DATABASE_URL to use a server of your own")
}

// binaryFolders returns the folders that match the patterns and hold both programs. Symbolic links are resolved and
// duplicates removed, since PATH often links to a package's folder. Relative patterns are skipped: they mean another
// folder to every program.
func binaryFolders(patterns []string) []string {
	var folders []string
	for _, pattern := range patterns {
		if !filepath.IsAbs(pattern) {
			continue
		}
		matches := []string{pattern}
		if strings.Contains(pattern, "*") {
			matches, _ = filepath.Glob(pattern)
			slices.SortStableFunc(matches,
				func(a, b string) int { return cmp.Compare(versionInPath(b), versionInPath(a)) })
		}
		for _, dir := range matches {
			postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
			if err != nil {
				continue
			}
			dir = filepath.Dir(postgres)
			if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil && !slices.Contains(folders, dir) {
				folders = append(folders, dir)
			}
		}
	}
	return folders
}

// versionInPath returns the version number in a package's folder: 17 for .../postgresql@17/bin; 0 if there is none.
func versionInPath(bin string) int {
	name := strings.TrimSuffix(bin, string(filepath.Separator)+"bin")
	return leadingNumber(strings.TrimLeft(filepath.Base(name), "abcdefghijklmnopqrstuvwxyz@-"))
}

func leadingNumber(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, _ := strconv.Atoi(s[:end])
	return n
}

// majorOf returns the major version that the binaries report.
func majorOf(ctx context.Context, dir string, who account) (int, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	cmd.Dir, cmd.Env = "/", childEnvironment()
	cmd.SysProcAttr = childAttributes(who.credential(), 0)
	output, err := cmd.Output()
	if err != nil {
		return 0, who.explainExec(err)
	}
	// Such as "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
	_, version, _ := strings.Cut(string(output), "(PostgreSQL) ")
	if major := leadingNumber(version); major != 0 {
		return major, nil
	}
	return 0, fmt.Errorf("its version, %q, can't be read", strings.TrimSpace(string(output)))
}

// dataDirMajor returns the major version that made the data directory; 0 if the directory is missing or empty.
func dataDirMajor(dataDir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, "PG_VERSION"))
	switch {
	case err == nil:
		if major := leadingNumber(string(text)); major != 0 {
			return major, nil
		}
	case !errors.Is(err, fs.ErrNotExist):
		return 0, err
	default:
		entries, err := os.ReadDir(dataDir)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf(
		"%s exists but is not a PostgreSQL data directory; move it away, or choose another data directory", dataDir)
}
