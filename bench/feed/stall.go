package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// The kernel buffers some megabytes for a subscriber that stalls, before the server notices. The longest rationale in
// three-byte letters fills them within half a minute at the default rate. A large receive buffer would hold some of it
// too.
var longRationale = strings.Repeat("語", 10_000)

const smallBuffer = 4096 // receive buffer of the stalled subscriber, in bytes

// longest is how long the server may take to close the stalled subscriber's connection.
const longest = 3 * time.Minute

// measureStall measures how a subscriber that stops reading affects the others.
func (b *bench) measureStall() error {
	holders := holdersFor(0)
	if err := b.prepare(holders, b.builtIn(), nil); err != nil {
		return err
	}
	return b.with(b.startParley, func(p *process) error {
		c, err := newCrowd()
		if err != nil {
			return err
		}
		defer c.leave()
		return b.stall(p, c, holders)
	})
}

func (b *bench) stall(p *process, c *crowd, holders int) error {
	positions := newRecorder(holders, b.Seed)
	positions.rationale = longRationale
	record := positions.to(p)
	if _, err := pace(b.ctx, warmUp, record, upTo(warmUp)); err != nil {
		return err
	}
	members := all(b.Subscribers)
	stalled, others := members[0], members[1:]
	open := func(s *subscriber) (*conversation, error) {
		buffer := 0
		if s == stalled {
			buffer = smallBuffer
		}
		return subscribe(p, longChange, nil, buffer)
	}
	if err := c.join(b.ctx, members, open); err != nil {
		return err
	}
	if err := c.settle(b.ctx, p, record); err != nil {
		return err
	}

	var list []recorded
	var phases [3]struct {
		latency latency
		memory  float64
	}
	// phase records changes and measures them once all reading subscribers have received them.
	phase := func(i int, reading []*subscriber, more func(int) bool) error {
		from := c.now()
		made, err := pace(b.ctx, b.Rate, record, more)
		if err != nil {
			return err
		}
		list = append(list, made...)
		if err := c.await(b.ctx, from.deliveries+expected(made, reading)); err != nil {
			return err
		}
		if phases[i].latency, err = c.between(from, c.now()); err != nil {
			return err
		}
		phases[i].memory, err = p.memory()
		return err
	}
	aWhile := upTo(int(b.Rate * b.Duration.Seconds()))
	b.log.Info(fmt.Sprintf("all %d subscribers read, for %v", len(members), b.Duration))
	if err := phase(0, members, aWhile); err != nil {
		return err
	}
	port, err := stalled.socket.port()
	if err != nil {
		return err
	}
	if err := c.stall(stalled); err != nil {
		return err
	}
	b.log.Info("one subscriber stops reading")
	begun, closed, watching := time.Now(), time.Duration(0), error(nil)
	err = phase(1, others, func(int) bool {
		open, err := established(int(p.address.Port()), port)
		if err != nil {
			watching = err
			return false
		}
		if !open {
			closed = time.Since(begun)
		}
		return open && c.intact() && time.Since(begun) < longest
	})
	if err != nil || watching != nil {
		return fmt.Errorf("while a subscriber is stalled: %w", firstOf(err, watching))
	}
	if closed > 0 {
		b.log.Info(fmt.Sprintf("the server closed its connection after %v", closed.Round(100*time.Millisecond)))
		if err := phase(2, others, aWhile); err != nil {
			return err
		}
	}
	if err := c.check(list, others); err != nil {
		return err
	}

	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "The other %d of %d subscribers\tp50 ms\tp99 ms\tserver's memory, MB\n", len(others),
		len(members))
	for i, title := range []string{"before the stall", "until it is closed", "afterwards"} {
		if l := phases[i].latency; len(l.every) > 0 {
			fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%.1f\n", title, millis(quantile(l.every, 0.50)),
				millis(quantile(l.every, 0.99)), phases[i].memory/1024)
		}
	}
	table.Flush()
	end := fmt.Sprintf("was closed by the server %.1f s after it had stopped reading", closed.Seconds())
	if closed == 0 {
		end = fmt.Sprintf("was not closed within %v", longest)
	}
	fmt.Printf("The stalled subscriber %s. The others received all %d changes exactly once and in order.\n", end,
		len(list))
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// established reports whether the server still holds a connection, according to the kernel. A client that does not read
// does not learn that it was closed.
func established(server, client int) (bool, error) {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return false, err
	}
	return isEstablished(string(text), server, client), nil
}

func isEstablished(table string, server, client int) bool {
	own, other := fmt.Sprintf(":%04X", server), fmt.Sprintf(":%04X", client)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) > 3 && strings.HasSuffix(fields[1], own) && strings.HasSuffix(fields[2], other) {
			return fields[3] == "01"
		}
	}
	return false
}
