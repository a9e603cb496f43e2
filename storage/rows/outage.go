package rows

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"example.org/parley"
)

// Unavailable is the fault of an error by which the database can't be used at present, with what that means for the caller,
// such as ", so nothing was recorded"; nil where the error has another cause.
func Unavailable(err error, outcome string) error {
	why := Outage(err)
	if why == "" {
		return nil
	}
	remedy := "try again in a few seconds"
	if pq.As(err, lacking...) != nil {
		remedy = "parley check tells whoever runs the server what to grant"
	}
	return fmt.Errorf("%w (%w)", parley.NewFault(parley.Unavailable, "%s at present%s; %s.", why, outcome, remedy), err)
}

// lacking are the errors of a role without rights. What is in a schema that it may not use does not exist for it.
var lacking = []pqerror.Code{pqerror.InsufficientPrivilege, pqerror.UndefinedTable, pqerror.InvalidSchemaName}

// Outage says why the database can't be used at present. It is empty where an error has another cause: then it would
// come again.
func Outage(err error) string {
	var told *pq.Error
	switch {
	case errors.As(err, &told):
		return outage(told)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ""
	case errors.As(err, new(net.Error)), errors.As(err, new(*os.SyscallError)), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "The database can't be reached"
	}
	return ""
}

func outage(err *pq.Error) string {
	switch err.Code {
	case pqerror.ReadOnlySQLTransaction:
		return "The database is read-only"
	case pqerror.DiskFull:
		return "The database's disk is full"
	case pqerror.LockNotAvailable:
		return "The database is locked by an import or by work on its tables"
	case pqerror.InsufficientPrivilege:
		return "Parley's database role lacks a right that this needs"
	case pqerror.UndefinedTable, pqerror.InvalidSchemaName:
		return "Parley's database role can't find the tables"
	case pqerror.TooManyConnections:
		return "The database has no connection left"
	case pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow:
		return "The database is stopping or starting"
	}
	switch err.Code.Class() {
	case pqerror.ClassConnectionException:
		return "The database can't be reached"
	case "53": // insufficient resources
		return "The database is short of resources"
	case "58": // system error
		return "The database can't use its files"
	}
	return ""
}
