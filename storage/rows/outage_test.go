package rows

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

func TestOutage(t *testing.T) {
	t.Parallel()
	for want, errs := range map[string][]error{
		"The database can't be reached": {&net.OpError{Op: "dial", Err: errors.New("refused")}, io.EOF, io.ErrUnexpectedEOF, driver.ErrBadConn,
			&pq.Error{Code: "08006"}, &net.DNSError{}},
		"The database is read-only":                                    {&pq.Error{Code: pqerror.ReadOnlySQLTransaction}},
		"The database's disk is full":                                  {&pq.Error{Code: pqerror.DiskFull}},
		"The database has no connection left":                          {&pq.Error{Code: pqerror.TooManyConnections}},
		"The database is locked by an import or by work on its tables": {&pq.Error{Code: pqerror.LockNotAvailable}},
		"The database is stopping or starting":                         {&pq.Error{Code: pqerror.AdminShutdown}, &pq.Error{Code: pqerror.CannotConnectNow}},
		"The database is short of resources":                           {&pq.Error{Code: "53200"}},
		"The database can't use its files":                             {&pq.Error{Code: "58030"}},
		"Parley's database role lacks a right that this needs":         {&pq.Error{Code: pqerror.InsufficientPrivilege}},
		"Parley's database role can't find the tables":                 {&pq.Error{Code: pqerror.UndefinedTable}, &pq.Error{Code: pqerror.InvalidSchemaName}},
		"": {nil, errors.New("other"), context.Canceled, context.DeadlineExceeded, &pq.Error{Code: pqerror.QueryCanceled}, &pq.Error{Code: pqerror.UniqueViolation},
			&pq.Error{Code: "42601"}},
	} {
		for _, err := range errs {
			if err != nil {
				err = fmt.Errorf("read something: %w", err)
			}
			if got := Outage(err); got != want {
				t.Errorf("%v: %q, want %q", err, got, want)
			}
			if fault := Unavailable(err, ""); (fault == nil) != (want == "") {
				t.Errorf("%v: the fault is %v", err, fault)
			}
		}
	}
}
