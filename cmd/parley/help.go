package main

import "github.com/alecthomas/kong"

// help holds the descriptions of flags that are too long for a struct tag.
var help = kong.Vars{
	"database_url_help": "PostgreSQL 15 or later to use instead of the built-in database, such as " +
		"postgres://user@host/parley?sslmode=require.",
	"postgres_bin_help": "Folder of PostgreSQL's programs for the built-in database; the usual folders are searched " +
		"if it is left out.",
	"allow_remote_help": "Allow an address that other machines can reach. Everybody who reaches it may read and write.",
	"public_url_help": "URL under which others reach this server, for links in briefings; the address that it " +
		"listens on if left out.",
	"format_help": "What to write (json is an archive that import reads; briefing is a page of Markdown)",
	"valid_at_help": "Describe the world as of this instant, such as 2025-08-15T19:30:00Z; the present if left out. " +
		"Only for positions-csv and briefing.",
	"known_at_help":  "Use only what was on record at this instant; everything on record if left out.",
	"permalink_help": "URL of a server, for the permalink of a briefing; http://127.0.0.1:8080 if left out.",
	"output_help": "File to write, instead of the standard output. An existing file is replaced when the export is " +
		"complete.",
}
