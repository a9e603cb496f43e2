package main

import "github.com/alecthomas/kong"

// help holds the descriptions of flags that are too long for a struct tag.
var help = kong.Vars{
	"config_help": "YAML or JSON file with values of flags, such as addr: 127.0.0.1:8080. The command line and the environment " +
		"count more.",
	"database_url_help": "PostgreSQL 15 or later to use instead of the built-in database, such as " +
		"postgres://user@host/parley?sslmode=require.",
	"postgres_bin_help": "Folder of PostgreSQL's programs for the built-in database; the usual folders are searched " +
		"if it is left out.",
	"role_help": "What a new token may do: READER, ANALYST (also records) or ADMIN (also manages tokens); READER if left out.",
	"auth_help": "What to do: say whether everybody needs a token (status), let everybody on a server's own machine use it again without " +
		"one, as an administrator (open), or print the newest 500 entries of the audit log (log).",
	"public_url_help": "URL under which others reach this server, such as https://parley.example: for links in briefings, and as a " +
		"name that it answers under. The address that it listens on if left out.",
	"allow_host_help": "Another name, without a port, under which to answer (repeatable). Addresses, localhost and the names of --addr and " +
		"--public-url are always accepted.",
	"allow_origin_help": "Let pages of another origin, such as https://desk.example or http://localhost:5173, use the API (repeatable).",
	"trusted_proxy_help": "Address of a proxy, or a range such as 10.0.0.0/8, whose X-Forwarded-For and X-Forwarded-Host count " +
		"(repeatable).",
	"documents_help": "JSON file of trusted documents, which clients may send by their ids: an object with a text for each id, or Apollo's " +
		"manifest.",
	"base_path_help": "Path that precedes all others, such as /parley; the path of --public-url if left out.",
	"format_help":    "What to write (json is an archive that import reads; briefing is a page of Markdown)",
	"valid_at_help": "Describe the world as of this instant, such as 2025-08-15T19:30:00Z; the present if left out. " +
		"Only for positions-csv and briefing.",
	"known_at_help":  "Use only what was on record at this instant; everything on record if left out.",
	"permalink_help": "URL of a server, for the permalink of a briefing; http://127.0.0.1:8080 if left out.",
	"output_help": "File to write, instead of the standard output. An existing file is replaced when the export is " +
		"complete.",
}
