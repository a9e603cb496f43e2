package storage

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Findings are what Check found of a database.
type Findings struct {
	Server   int    `db:"server"` // as PostgreSQL numbers its versions: 150004
	Database string `db:"database"`
	Role     string `db:"role"`
	Schema   string `db:"schema"` // of the tables; empty: search_path names none that exists
	Version  int64  `db:"-"`      // of the tables; 0: there are none
	Newest   int64  `db:"-"`      // the version that this Parley knows
	Locked   bool   `db:"-"`      // everybody needs a token
	// Problems say why the database can't be used, and what to do about it.
	Problems []string `db:"-"`
	// Warnings say what is questionable.
	Warnings []string `db:"-"`

	Encoding     string         `db:"encoding"`
	CType        string         `db:"ctype"`
	Standby      bool           `db:"standby"`
	ReadOnly     bool           `db:"read_only"`
	SearchPath   string         `db:"search_path"`
	Found        bool           `db:"found"`          // the schema exists
	Enters       bool           `db:"enters"`         // the role may use it
	CreatesHere  bool           `db:"creates_here"`   // tables in the schema
	CreatesAtAll bool           `db:"creates_at_all"` // schemas and extensions in the database
	Path         pq.StringArray `db:"path"`           // schemas in which the session looks, in this order
	Extensions   pq.StringArray `db:"extensions"`     // schemas of the extensions
	Closed       pq.StringArray `db:"closed"`         // those of these schemas that the role may not use
	Missing      pq.StringArray `db:"missing"`        // extensions that are not there
	Unknown      pq.StringArray `db:"unknown"`        // extensions that the server lacks the files of
	Lossy        bool           `db:"lossy"`          // a commit does not wait for the disk
}

// find looks at everything but the tables.
const find = `
	WITH place AS (SELECT coalesce(nullif($1::text, ''), current_schema(), '') AS schema),
		needed(extension) AS (VALUES ('btree_gist'), ('pg_trgm'), ('unaccent'))
	SELECT current_setting('server_version_num')::int AS server, current_database()::text AS database, current_user::text AS role, p.schema::text,
		current_setting('server_encoding') AS encoding, d.datctype::text AS ctype, pg_is_in_recovery() AS standby,
		current_setting('default_transaction_read_only') = 'on' AS read_only, current_setting('search_path') AS search_path,
		n.oid IS NOT NULL AS found, coalesce(has_schema_privilege(n.oid, 'USAGE'), false) AS enters,
		coalesce(has_schema_privilege(n.oid, 'CREATE'), false) AS creates_here,
		has_database_privilege(d.oid, 'CREATE') AS creates_at_all, current_schemas(false)::text[] AS path,
		ARRAY(SELECT DISTINCT s.nspname::text FROM pg_extension e JOIN pg_namespace s ON s.oid = e.extnamespace JOIN needed ON extension = extname) AS extensions,
		ARRAY(SELECT DISTINCT s.nspname::text FROM pg_extension e JOIN pg_namespace s ON s.oid = e.extnamespace JOIN needed ON extension = extname
			WHERE NOT has_schema_privilege(s.oid, 'USAGE')) AS closed,
		ARRAY(SELECT extension FROM needed WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = extension)) AS missing,
		ARRAY(SELECT extension FROM needed WHERE NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = extension)) AS unknown,
		current_setting('synchronous_commit') = 'off' OR current_setting('fsync') = 'off' AS lossy
	FROM place p CROSS JOIN pg_database d LEFT JOIN pg_namespace n ON n.nspname = p.schema
	WHERE d.datname = current_database()`

// Check looks at a database without touching it.
func Check(ctx context.Context, o Options) (Findings, error) {
	config, err := configure(o.DSN)
	if err != nil {
		return Findings{}, err
	}
	db, err := connect(ctx, config)
	if err != nil {
		return Findings{}, err
	}
	defer db.Close()
	return check(ctx, db, o)
}

func check(ctx context.Context, db *sqlx.DB, o Options) (f Findings, err error) {
	// One snapshot: another server may be creating the tables.
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return f, fmt.Errorf("look at the database: %w", err)
	}
	defer tx.Rollback()
	if err := tx.GetContext(ctx, &f, find, o.Schema); err != nil {
		return f, fmt.Errorf("look at the database: %w", err)
	}
	if f.Newest, err = newestVersion(); err != nil {
		return f, err
	}
	f.judgeDatabase(o)
	f.judgeExtensions()
	if err := f.judgeSettings(ctx, tx); err != nil {
		return f, err
	}
	switch {
	case f.Found && f.Enters:
		err = f.judgeTables(ctx, tx, o)
	case f.Schema != "" && !f.Found:
		f.CreatesHere = true // it will be the role's own
		f.judgeMigration(nil, o)
	}
	return f, err
}

func (f *Findings) problem(sentence string, args ...any) {
	f.Problems = append(f.Problems, fmt.Sprintf(sentence, args...))
}

func (f *Findings) warn(sentence string, args ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf(sentence, args...))
}

// judgeDatabase judges everything that can be seen without the tables.
func (f *Findings) judgeDatabase(o Options) {
	if f.Server < 150000 {
		f.problem("The database server is PostgreSQL %d; Parley needs version 15 or later.", f.Server/10000)
	}
	if f.Encoding != "UTF8" {
		f.problem("The database %q has the encoding %s; Parley needs UTF8. Create another one, as with "+
			"createdb --template=template0 --encoding=UTF8 --locale=C.UTF-8 NAME.", f.Database, f.Encoding)
	}
	if f.CType == "C" || f.CType == "POSIX" {
		f.warn("The database has the LC_CTYPE %s, so searches and filters tell upper from lower case in all letters but ASCII ones; "+
			"create it with --locale=C.UTF-8 to change that.", f.CType)
	}
	switch {
	case o.ReadOnly:
	case f.Standby:
		f.problem("The database server is a standby, which is read-only; name the primary one, or all servers with target_session_attrs=read-write.")
	case f.ReadOnly:
		f.problem("The database is read-only (default_transaction_read_only is on for this role, database or session); switch that off.")
	}
	if f.Lossy {
		f.warn("A commit does not wait for the disk (synchronous_commit or fsync is off), so that a crash of the database loses what it has acknowledged.")
	}
	switch {
	case f.Schema != "" && !schemaName(f.Schema):
		f.problem("The schema %q can't be used; give a name of at most 63 bytes that does not begin with $ or pg_.", f.Schema)
	case f.Schema == "":
		f.problem("No schema of search_path (%s) exists for the role %q; name one with --schema.", f.SearchPath, f.Role)
	case !f.Found && (o.ReadOnly || !f.CreatesAtAll):
		f.problem("There is no schema %q, and the role %q may not create it; as owner of the database, run "+
			"CREATE SCHEMA %s AUTHORIZATION %s.", f.Schema, f.Role, quote(f.Schema), quote(f.Role))
	case f.Found && !f.Enters:
		f.problem("The role %q may not use the schema %q; as its owner, run GRANT USAGE ON SCHEMA %s TO %s.",
			f.Role, f.Schema, quote(f.Schema), quote(f.Role))
	}
}

// judgeExtensions judges whether the role may use the schemas of the extensions.
func (f *Findings) judgeExtensions() {
	for _, schema := range f.Closed {
		if schema != f.Schema {
			f.problem("The role %q may not use the schema %q, which has extensions; as its owner, run GRANT USAGE ON SCHEMA %s TO %s.",
				f.Role, schema, quote(schema), quote(f.Role))
		}
	}
}

// schemaName says whether PostgreSQL takes a name as it is given: it cuts long ones off, and search_path has "$user" mean another schema.
func schemaName(name string) bool {
	return len(name) <= 63 && !strings.HasPrefix(name, "$") && !strings.HasPrefix(name, "pg_") && name != "information_schema"
}

// judgeSettings judges settings of the session under which SQL means something else, or history would not be kept.
func (f *Findings) judgeSettings(ctx context.Context, tx *sqlx.Tx) error {
	var wrong []struct{ Name, Setting, Wanted, Source string }
	err := tx.SelectContext(ctx, &wrong, `
		SELECT s.name, s.setting, wanted, s.source
		FROM (VALUES ('session_replication_role', 'origin'), ('standard_conforming_strings', 'on'), ('transform_null_equals', 'off'),
			('array_nulls', 'on'), ('default_transaction_isolation', 'read committed')) needed(name, wanted)
			JOIN pg_settings s USING (name)
		WHERE s.setting <> wanted
		ORDER BY s.name`)
	if err != nil {
		return fmt.Errorf("look at the database's settings: %w", err)
	}
	for _, s := range wrong {
		f.problem("The setting %s is %q (its source: %s); Parley needs %q.", s.Name, s.Setting, s.Source, s.Wanted)
	}
	return nil
}

// table is one in the schema, and what the role may do with it.
type table struct {
	Name   string         `db:"relname"`
	View   bool           `db:"view"`
	Owner  string         `db:"owner"`
	Owned  bool           `db:"owned"` // the role is its owner, or belongs to it
	Rights pq.StringArray `db:"rights"`
}

// Names of tables that are looked for.
const (
	versionTable = "goose_db_version"
	headTable    = "feed_head"
)

// judgeTables judges whose tables are in the schema, and whether the role may do with them what has to be done.
func (f *Findings) judgeTables(ctx context.Context, tx *sqlx.Tx, o Options) error {
	var tables []table
	err := tx.SelectContext(ctx, &tables, `
		SELECT c.relname::text, c.relkind = 'v' AS view, pg_get_userbyid(c.relowner)::text AS owner, pg_has_role(c.relowner, 'USAGE') AS owned,
			ARRAY(SELECT r FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) r WHERE has_table_privilege(c.oid, r)) AS rights
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		ORDER BY c.relname`, f.Schema)
	if err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	names, err := migrated("TABLE|VIEW")
	if err != nil {
		return err
	}
	var ours, others []table
	for _, t := range tables {
		if slices.Contains(names, t.Name) {
			ours = append(ours, t)
		} else {
			others = append(others, t)
		}
	}
	version := slices.IndexFunc(others, func(t table) bool { return t.Name == versionTable })
	if version >= 0 {
		if !slices.Contains(others[version].Rights, "SELECT") {
			f.lacks([]string{"SELECT on " + versionTable}, o)
			return nil
		}
		err := tx.GetContext(ctx, &f.Version, `SELECT coalesce(max(version_id), 0) FROM `+quote(f.Schema)+`.`+versionTable)
		if err != nil {
			return fmt.Errorf("read the version of the tables: %w", err)
		}
	}
	isHead := func(t table) bool { return t.Name == headTable }
	switch {
	case f.Version == 0 && len(ours) == 0:
		if err := f.judgeNames(ctx, tx); err != nil {
			return err
		}
		f.judgeMigration(nil, o)
	case (f.Version > 0 || len(ours) > 0) && !slices.ContainsFunc(ours, isHead) || f.Version == 0 && len(ours) > 0:
		f.occupied("table " + append(ours, others...)[0].Name)
	case f.Version >= f.Newest:
		f.judgeRights(ours, o)
		if err := f.judgeFunctions(ctx, tx); err != nil {
			return err
		}
		if err := f.readAccess(ctx, tx); err != nil {
			return err
		}
		if f.Version > f.Newest {
			return f.judgeNewer(ctx, tx)
		}
	default:
		f.judgeMigration(ours, o)
	}
	return nil
}

// judgeNewer judges tables that a newer Parley has migrated: it says how old a Parley may be to go on.
func (f *Findings) judgeNewer(ctx context.Context, tx *sqlx.Tx) error {
	var oldest int64
	if err := tx.GetContext(ctx, &oldest, `SELECT oldest_version FROM `+quote(f.Schema)+`.`+headTable); err != nil {
		return fmt.Errorf("read which versions may be used: %w", err)
	}
	if oldest > f.Newest {
		f.problem("The tables are at version %d, and this Parley knows versions up to %d: a newer Parley has changed them in a way that this one "+
			"can't use; start that one, or name another database.", f.Version, f.Newest)
	}
	return nil
}

// judgeMigration judges whether the role may bring the tables up to date.
func (f *Findings) judgeMigration(ours []table, o Options) {
	if f.Version == 0 && o.Existing {
		f.problem("The schema %q of the database %q has no tables of Parley; name the right ones with --database-url and --schema.", f.Schema, f.Database)
		return
	}
	if f.Standby || f.ReadOnly || o.NoMigration {
		f.problem("The tables are at version %d, and this Parley needs version %d; run parley migrate first.", f.Version, f.Newest)
		return
	}
	for _, t := range ours {
		if !t.Owned {
			f.problem("The tables are at version %d, and this Parley needs version %d; the role %q does not own them, so run parley migrate as %q.",
				f.Version, f.Newest, f.Role, t.Owner)
			return
		}
	}
	if !f.CreatesHere {
		f.problem("The role %q may not create tables in the schema %q; as owner of the schema, run GRANT CREATE ON SCHEMA %s TO %s, or name another "+
			"schema with --schema.", f.Role, f.Schema, quote(f.Schema), quote(f.Role))
	}
	switch missing := strings.Join(f.Missing, ", "); {
	case len(f.Unknown) > 0:
		f.problem("The database server lacks the files of the extensions %s, which come with PostgreSQL; install them (on many systems, a package "+
			"postgresql-contrib).", strings.Join(f.Unknown, ", "))
	case missing != "" && !f.CreatesAtAll:
		f.problem("The database lacks the extensions %s, and the role %q may not create them; as owner of the database, run CREATE EXTENSION for each.",
			missing, f.Role)
	}
}

// judgeRights judges whether the role may read the tables, and record.
func (f *Findings) judgeRights(ours []table, o Options) {
	var missing []string
	for _, right := range []string{"SELECT", "INSERT", "UPDATE", "DELETE"} {
		var on []string
		for _, t := range ours {
			if needs(t, right, o.ReadOnly) && !slices.Contains(t.Rights, right) {
				on = append(on, t.Name)
			}
		}
		if len(on) > 3 {
			on = append(on[:3], fmt.Sprintf("%d more", len(on)-3))
		}
		if len(on) > 0 {
			missing = append(missing, right+" on "+strings.Join(on, ", "))
		}
	}
	if len(missing) > 0 {
		f.lacks(missing, o)
	}
}

// judgeFunctions judges whether the role may call our functions, as everybody may unless somebody has revoked it.
func (f *Findings) judgeFunctions(ctx context.Context, tx *sqlx.Tx) error {
	names, err := migrated("FUNCTION")
	if err != nil {
		return err
	}
	var lacking []string
	err = tx.SelectContext(ctx, &lacking, `
		SELECT p.oid::regprocedure::text
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname = $1 AND p.proname = ANY($2) AND NOT has_function_privilege(p.oid, 'EXECUTE')
		ORDER BY 1`, f.Schema, pq.StringArray(names))
	if err != nil {
		return fmt.Errorf("look at the functions: %w", err)
	}
	if len(lacking) > 0 {
		f.problem("The role %q lacks rights (EXECUTE on %s); as owner of the tables, run GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %s TO %s.",
			f.Role, strings.Join(lacking, ", "), quote(f.Schema), quote(f.Role))
	}
	return nil
}

// readAccess reads whether everybody needs a token, if the role may.
func (f *Findings) readAccess(ctx context.Context, tx *sqlx.Tx) error {
	if len(f.Problems) > 0 {
		return nil
	}
	if err := tx.GetContext(ctx, &f.Locked, `SELECT locked FROM `+quote(f.Schema)+`.access`); err != nil {
		return fmt.Errorf("read whether everybody needs a token: %w", err)
	}
	return nil
}

// needs says whether Parley uses a right on a table.
func needs(t table, right string, readOnly bool) bool {
	switch {
	case right == "SELECT":
		return true
	case readOnly || t.View:
		return false
	}
	return right != "DELETE" || t.Name == "source_passages"
}

// lacks says which rights the role lacks, and how to give it all that it needs.
func (f *Findings) lacks(rights []string, o Options) {
	schema, role := quote(f.Schema), quote(f.Role)
	grant := "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA " + schema + " TO " + role +
		"; GRANT DELETE ON " + schema + ".source_passages TO " + role
	if o.ReadOnly {
		grant = "GRANT SELECT ON ALL TABLES IN SCHEMA " + schema + " TO " + role
	}
	f.problem("The role %q lacks rights (%s); as owner of the tables, run %s.", f.Role, strings.Join(rights, "; "), grant)
}

// searchPath is the setting by which a session finds the tables and the extensions; empty: it finds them without.
func (f *Findings) searchPath() string {
	wanted := []string{f.Schema}
	for _, schema := range f.Extensions {
		if schema != f.Schema && schema != "pg_catalog" {
			wanted = append(wanted, schema)
		}
	}
	found := len(f.Path) > 0 && f.Path[0] == f.Schema
	for i, schema := range wanted {
		found = found && slices.Contains(f.Path, schema)
		wanted[i] = quote(schema)
	}
	if found {
		return ""
	}
	return strings.Join(wanted, ", ")
}

// judgeNames judges whether anything in a schema without tables of ours has a name that migrations need.
func (f *Findings) judgeNames(ctx context.Context, tx *sqlx.Tx) error {
	names, err := migrated("TABLE|VIEW|TYPE|INDEX|FUNCTION")
	if err != nil {
		return err
	}
	var taken []string
	err = tx.SelectContext(ctx, &taken, `
		SELECT kind || ' ' || name
		FROM (SELECT CASE relkind WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' ELSE 'type' END AS kind, relname AS name, relnamespace AS schema,
				oid, 'pg_class'::regclass AS catalog FROM pg_class
			UNION ALL SELECT 'type', typname, typnamespace, oid, 'pg_type'::regclass FROM pg_type
			UNION ALL SELECT 'function', proname, pronamespace, oid, 'pg_proc'::regclass FROM pg_proc) o
		WHERE schema = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND name = ANY($2)
			AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = catalog AND objid = o.oid AND deptype = 'e') -- of an extension
		ORDER BY kind, name
		LIMIT 1`, f.Schema, pq.StringArray(names))
	if err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	if len(taken) > 0 {
		f.occupied(taken[0])
	}
	return nil
}

// occupied says that a schema is another program's.
func (f *Findings) occupied(by string) {
	f.problem("The schema %q has objects of another program (such as the %s); name another schema with --schema.", f.Schema, by)
}

var creates = regexp.MustCompile(`(?m)^CREATE (?:OR REPLACE )?(?:UNIQUE )?(\w+) (\w+)`)

// migrated are the names of all objects of a kind that migrations create.
func migrated(kind string) (names []string, err error) {
	ofKind := regexp.MustCompile(`^(` + kind + `)$`)
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, match := range creates.FindAllStringSubmatch(string(text), -1) {
			if ofKind.MatchString(match[1]) {
				names = append(names, match[2])
			}
		}
	}
	return names, nil
}

func quote(name string) string { return pq.QuoteIdentifier(name) }
