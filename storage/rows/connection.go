package rows

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/lib/pq"
)

// maxPrepared bounds the statements that a connection keeps prepared, with a plan of each.
const maxPrepared = 256

// noticeClose is how soon the database stops a statement whose client has closed the connection.
const noticeClose = time.Second

// connection runs one statement at a time.
type connection struct {
	conn   driver.Conn
	socket *Socket
	values [1]driver.Value // of the row being read
	// statements are prepared when their text comes the second time, so that a text that comes once leaves nothing
	// behind. Until then a statement is nil.
	statements *simplelru.LRU[string, driver.Stmt]
	unprepared bool // none is ever prepared
	lost       bool
}

// connect opens a connection.
func connect(ctx context.Context, config pq.Config, o PoolOptions) (*connection, error) {
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	c := &connection{socket: &Socket{}}
	if c.unprepared, err = o.Unprepared(ctx); err != nil {
		return nil, err
	}
	connector.Dialer(c.socket)
	if c.conn, err = connector.Connect(ctx); err != nil {
		return nil, err
	}
	c.statements, err = simplelru.NewLRU(maxPrepared, func(_ string, s driver.Stmt) {
		if s != nil {
			s.Close() // where that fails, so does the next statement
		}
	})
	if err != nil {
		panic(err) // the size is not positive
	}
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	if err = c.prepareSession(o); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// prepareSession sets what holds for all reads, by statements, since some poolers refuse settings of a session.
func (c *connection) prepareSession(o PoolOptions) error {
	settings := fmt.Sprintf("SET statement_timeout = %d; SET lock_timeout = %d", o.Timeout.Milliseconds(), o.LockTimeout.Milliseconds()) +
		// A prepared statement is planned once. By default the database would plan some anew each time, for the few
		// keys that they come with, at several times the cost of running them.
		"; SET plan_cache_mode = force_generic_plan" +
		// The planner overestimates these statements, and compiling a plan would take longer than running it.
		"; SET jit = off"
	if err := c.execute(settings); err != nil {
		return err
	}
	// Not every system can notice that a client has closed the connection; there the time limit ends the statement.
	err := c.execute(fmt.Sprintf("SET client_connection_check_interval = %d", noticeClose.Milliseconds()))
	if errors.As(err, new(*pq.Error)) {
		return nil
	}
	return err
}

func (c *connection) execute(statements string) error {
	_, err := c.conn.(driver.ExecerContext).ExecContext(context.Background(), statements, nil)
	return err
}

// query runs a statement. When the context ends, the connection is closed, which ends the statement here at once.
func (c *connection) query(ctx context.Context, text string, args []driver.NamedValue, each func(Row)) error {
	intact := false
	defer func() {
		if !intact {
			c.lost = true
			c.close()
		}
	}()
	stop := context.AfterFunc(ctx, c.close)
	err := c.run(text, args, each)
	if !stop() {
		return ctx.Err()
	}
	intact = err == nil || errors.As(err, new(*pq.Error)) // the database's own error leaves the connection usable
	return err
}

func (c *connection) run(text string, args []driver.NamedValue, each func(Row)) error {
	rows, err := c.start(text, args)
	if err != nil {
		return err
	}
	for {
		switch err := rows.Next(c.values[:]); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		each(newRow(c.values[0].([]byte)))
	}
}

func (c *connection) start(text string, args []driver.NamedValue) (driver.Rows, error) {
	// The driver would start a goroutine to watch any other context.
	ctx := context.Background()
	statement, known := c.statements.Get(text)
	if !known || c.unprepared {
		c.statements.Add(text, nil)
		return c.conn.(driver.QueryerContext).QueryContext(ctx, text, args)
	}
	if statement == nil {
		var err error
		if statement, err = c.conn.Prepare(text); err != nil {
			return nil, err
		}
		c.statements.Add(text, statement)
	}
	return statement.(driver.StmtQueryContext).QueryContext(ctx, args)
}

// close closes the connection, whatever is running on it.
func (c *connection) close() { c.socket.Close() }
