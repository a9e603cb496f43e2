package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"example.org/parley"
	"example.org/parley/storage"
)

type token struct {
	database
	Action string        `arg:"" enum:"create,list,revoke" help:"What to do: create a token and print it, list those that count, or revoke one."`
	Name   string        `help:"Name of the token to create or revoke, such as that of the person or program who holds it."`
	For    string        `placeholder:"NAME" help:"Name of the analyst in whose name a new token acts; that of the token if left out."`
	Role   parley.Role   `enum:"READER,ANALYST,ADMIN" default:"READER" placeholder:"ROLE" help:"${role_help}"`
	Valid  time.Duration `placeholder:"DURATION" help:"How long a new token counts, such as 2160h; for ever if left out."`
}

// Run makes, lists or revokes a token.
func (c token) Run(r *run) error {
	if c.Name == "" && c.Action != "list" {
		return fmt.Errorf("--name is missing; give the name of the token to %s", c.Action)
	}
	switch c.Action {
	case "create":
		return c.create(r)
	case "list":
		return c.with(r, existing, list)
	}
	return c.with(r, existing, func(ctx context.Context, store *storage.Store) error {
		revoked, err := store.RevokeToken(ctx, c.Name)
		if err == nil {
			fmt.Printf("The token %s of %s is revoked. Running servers notice within a second.\n", revoked.Name, revoked.Analyst.Name)
		}
		return err
	})
}

// create makes a token. Only the token is printed to the standard output, so that a script can take it from there.
func (c token) create(r *run) error {
	if c.Valid < 0 {
		return fmt.Errorf("--valid %s is negative; give a duration such as 2160h", c.Valid)
	}
	in := parley.CreateTokenInput{Name: c.Name, Role: c.Role}
	if c.For != "" {
		in.Analyst = &c.For
	}
	if c.Valid > 0 {
		until := time.Now().Add(c.Valid)
		in.ExpiresAt = &until
	}
	return c.with(r, shared, func(ctx context.Context, store *storage.Store) error {
		made, secret, err := store.CreateToken(ctx, in)
		if err != nil {
			return err
		}
		fmt.Println(*secret)
		fmt.Fprintf(os.Stderr, "This is the token %s, for %s (%s). It can't be shown again. Send it as the header Authorization: Bearer TOKEN.\n",
			made.Name, made.Analyst.Name, made.Analyst.Role)
		return nil
	})
}

// list prints the tokens that count.
func list(ctx context.Context, store *storage.Store) error {
	tokens, err := store.Tokens(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tANALYST\tROLE\tMADE\tEXPIRES\tLAST USED")
	for _, t := range tokens {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.Analyst.Name, t.Analyst.Role, minute(&t.CreatedAt), minute(t.ExpiresAt), minute(t.UsedAt))
	}
	return table.Flush()
}

// minute writes an instant to the minute; nil is never.
func minute(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return at.UTC().Format("2006-01-02 15:04")
}

type auth struct {
	database
	Action string `arg:"" enum:"status,open,log" help:"${auth_help}"`
}

// Run says, or changes, whether everybody needs a token.
func (c auth) Run(r *run) error {
	return c.with(r, existing, func(ctx context.Context, store *storage.Store) error {
		if c.Action == "log" {
			return audited(ctx, store)
		}
		if c.Action == "open" {
			if err := store.OpenAccess(ctx); err != nil {
				return err
			}
		}
		access, err := store.Access(ctx)
		if err != nil {
			return err
		}
		who := "Everybody on a server's own machine may use it without a token, as an administrator; servers on other addresses ask for one"
		if access.Locked {
			who = "Everybody needs a token"
		}
		fmt.Printf("%s. Tokens that count: %d.\n", who, len(access.Tokens))
		return nil
	})
}

// audited prints the newest entries of the audit log, the newest last.
func audited(ctx context.Context, store *storage.Store) error {
	entries, err := store.AuditLog(ctx, 500, nil)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AT\tWHAT\tWHO\tFROM\tSUBJECT")
	for _, e := range slices.Backward(entries) {
		who, from := "nobody known", "a command"
		if e.Analyst != nil {
			who = e.Analyst.Name
		}
		if e.Address != nil {
			from = *e.Address
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.At.UTC().Format("2006-01-02 15:04:05"), e.Act, who, from, e.Subject)
	}
	return table.Flush()
}
