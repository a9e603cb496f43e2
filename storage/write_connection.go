package storage

import (
	"context"
	"database/sql/driver"
	"sync/atomic"

	"github.com/lib/pq"
)

// writeConnection is a connection of the pool for writes. Unlike the driver's own it can be hung up on, even where the
// database, or what is between, no longer answers.
type writeConnection struct {
	driverConnection
	line   *line
	hungUp atomic.Bool
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
	l := &line{}
	connector.Dialer(l)
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	l.dialled = true
	return &writeConnection{driverConnection: conn.(driverConnection), line: l}, nil
}

// Driver is that of the connections.
func (writeConnector) Driver() driver.Driver { return pq.Driver{} }

// begunOn is the key under which a context tells where to put the connection that a transaction begins on.
type begunOn struct{}

// BeginTx begins a transaction, and says where.
func (c *writeConnection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if on, ok := ctx.Value(begunOn{}).(**writeConnection); ok {
		*on = c
	}
	return c.driverConnection.BeginTx(ctx, o)
}

// hangUp ends the connection, whatever is running on it; the database rolls back what was not committed.
func (c *writeConnection) hangUp() {
	c.hungUp.Store(true)
	c.line.Close()
}

// IsValid says whether the connection can be used again.
func (c *writeConnection) IsValid() bool { return !c.hungUp.Load() && c.driverConnection.IsValid() }
