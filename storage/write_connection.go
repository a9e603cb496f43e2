package storage

import (
	"context"
	"database/sql/driver"
	"sync/atomic"

	"github.com/lib/pq"

	"example.org/parley/storage/rows"
)

// writeConnection is a connection of the pool for writes. Unlike the driver's own it can be closed while a statement
// runs, even where the database, or the network, no longer answers.
type writeConnection struct {
	driverConnection
	socket *rows.Socket
	closed atomic.Bool
}

// driverConnection is what database/sql asks of the driver's connections.
type driverConnection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// writeConnector opens them.
type writeConnector struct{ config pq.Config }

// Connect opens one.
func (c writeConnector) Connect(ctx context.Context) (driver.Conn, error) {
	connector, err := pq.NewConnectorConfig(c.config)
	if err != nil {
		return nil, err
	}
	socket := &rows.Socket{}
	connector.Dialer(socket)
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	socket.Dialled()
	return &writeConnection{driverConnection: conn.(driverConnection), socket: socket}, nil
}

// Driver is that of the connections.
func (writeConnector) Driver() driver.Driver { return pq.Driver{} }

// begunOn is the key of a place in a context, for the connection that a transaction begins on.
type begunOn struct{}

// BeginTx begins a transaction, and puts the connection in its place in the context.
func (c *writeConnection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if on, ok := ctx.Value(begunOn{}).(**writeConnection); ok {
		*on = c
	}
	return c.driverConnection.BeginTx(ctx, o)
}

// close closes the connection, whatever is running on it; the database rolls back what was not committed.
func (c *writeConnection) close() {
	c.closed.Store(true)
	c.socket.Close()
}

// IsValid says whether the connection can be used again.
func (c *writeConnection) IsValid() bool { return !c.closed.Load() && c.driverConnection.IsValid() }
