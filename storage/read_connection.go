package storage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/lib/pq"
)

// maxPrepared bounds the statements that a connection keeps prepared, with a plan of each.
const maxPrepared = 256

// noticeHangUp is how soon the database stops a statement that nobody waits for any more.
const noticeHangUp = time.Second

// readConnection is a connection that runs one statement at a time.
type readConnection struct {
	conn   driver.Conn
	line   *line
	values [1]driver.Value // of the row being read
	// statements are those that came before. A text is prepared when it comes the second time, so that one that never
	// does leaves nothing behind; until then its statement is nil.
	statements *simplelru.LRU[string, driver.Stmt]
	lost       bool
}

func connectToRead(ctx context.Context, config pq.Config, timeout time.Duration) (*readConnection, error) {
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	c := &readConnection{line: &line{}}
	connector.Dialer(c.line)
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
	stop := context.AfterFunc(ctx, c.hangUp)
	defer stop()
	if err = c.prepareSession(timeout); err != nil {
		c.hangUp()
		return nil, err
	}
	return c, nil
}

// prepareSession sets what holds for all reads, by statements, since some poolers refuse settings of a session.
func (c *readConnection) prepareSession(timeout time.Duration) error {
	settings := fmt.Sprintf("SET statement_timeout = %d", timeout.Milliseconds()) +
		// A prepared statement is planned once. Left to itself the database would plan some anew each time, for the
		// few keys that they come with, at several times the cost of running them.
		"; SET plan_cache_mode = force_generic_plan" +
		// What a plan might cost at worst says little of what it does, and compiling one takes longer than to run it.
		"; SET jit = off"
	if err := c.execute(settings); err != nil {
		return err
	}
	// Not every system can notice that a client has hung up; the time limit ends what runs on.
	err := c.execute(fmt.Sprintf("SET client_connection_check_interval = %d", noticeHangUp.Milliseconds()))
	if errors.As(err, new(*pq.Error)) {
		return nil
	}
	return err
}

func (c *readConnection) execute(statements string) error {
	_, err := c.conn.(driver.ExecerContext).ExecContext(context.Background(), statements, nil)
	return err
}

// query runs a statement. When the context ends it hangs up, which ends the statement here at once.
func (c *readConnection) query(ctx context.Context, text string, args []driver.NamedValue, each func(row)) error {
	intact := false
	defer func() {
		if !intact {
			c.lost = true
			c.hangUp()
		}
	}()
	stop := context.AfterFunc(ctx, c.hangUp)
	err := c.run(text, args, each)
	if !stop() {
		return ctx.Err()
	}
	intact = err == nil || errors.As(err, new(*pq.Error)) // what the statement came to is no fault of the connection
	return err
}

func (c *readConnection) run(text string, args []driver.NamedValue, each func(row)) error {
	rows, err := c.start(text, args)
	if err != nil {
		return err
	}
	for {
		switch err := rows.Next(c.values[:]); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		each(newRow(c.values[0].([]byte)))
	}
}

func (c *readConnection) start(text string, args []driver.NamedValue) (driver.Rows, error) {
	// The driver would start a goroutine to watch any other context.
	ctx := context.Background()
	statement, known := c.statements.Get(text)
	if !known {
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

// hangUp ends the connection, whatever is running on it.
func (c *readConnection) hangUp() { c.line.Close() }

// line is what a connection runs over. It is dialled by the driver, and kept to hang up on what waits on the driver.
type line struct {
	net.Conn
	dialer  net.Dialer
	dialled bool // what the driver dials from then on is to ask for the end of a statement
}

var _ pq.DialerContext = (*line)(nil)

// DialContext dials.
func (l *line) DialContext(ctx context.Context, network, address string) (conn net.Conn, err error) {
	if conn, err = l.dialer.DialContext(ctx, network, address); err == nil && !l.dialled {
		l.Conn = conn
	}
	return conn, err
}

// Dial dials without a context.
func (l *line) Dial(network, address string) (net.Conn, error) {
	return l.DialContext(context.Background(), network, address)
}

// DialTimeout dials for so long at most.
func (l *line) DialTimeout(network, address string, d time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return l.DialContext(ctx, network, address)
}
