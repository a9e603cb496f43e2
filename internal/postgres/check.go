package postgres

import (
	"context"
	"fmt"
	"path/filepath"
)

// Check says in a sentence with which programs Start would run the cluster in o.Dir. Like Start it refuses a directory that it can't use,
// but it changes nothing.
func Check(ctx context.Context, o Options) (string, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "cluster")
	madeBy, err := dataDirMajor(data)
	if err != nil {
		return "", ownAccount().explain(err)
	}
	who, err := serverAccount(data, madeBy != 0)
	if err != nil {
		return "", err
	}
	found, err := findBinaries(ctx, o.BinDir, madeBy, data, who)
	if err != nil {
		return "", err
	}
	if madeBy == 0 {
		return fmt.Sprintf("A new database will be created in %s, with PostgreSQL %d in %s, as user %s.", data, found.major, found.bin, who.name), nil
	}
	return fmt.Sprintf("The built-in database in %s is run by PostgreSQL %d in %s, as user %s.", data, found.major, found.bin, who.name), nil
}
