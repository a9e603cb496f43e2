package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// Stop shuts the server down: open transactions are rolled back, committed ones are on disk. A server that takes longer
// than half a minute is stopped by a stronger signal. That is an error, but loses nothing: the next Start recovers. An
// ephemeral cluster is removed. Further calls return the first result.
func (c *Cluster) Stop() error {
	if c.joined {
		return nil
	}
	c.stop.Do(func() {
		c.stopErr = c.shutDown()
		if c.options.Ephemeral {
			c.remove()
		}
	})
	return c.stopErr
}

func (c *Cluster) shutDown() error {
	c.stopping.Store(true)
	// fast shutdown, immediate shutdown, kill
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}
	if c.options.Ephemeral {
		signals = signals[1:]
	}
	for i, signal := range signals {
		c.signal(signal)
		timeout := time.NewTimer(c.options.stopWait)
		select {
		case <-c.done:
			timeout.Stop()
			if i > 0 {
				return fmt.Errorf(
					"the database did not stop within %v and was stopped by %v: it recovers at the next start",
					c.options.stopWait, signal)
			}
			return nil
		case <-timeout.C:
		}
	}
	return fmt.Errorf("the database server (process %d) cannot be stopped", c.server.Process.Pid)
}

// remove deletes an ephemeral cluster, after the last process of a killed server has ended.
func (c *Cluster) remove() {
	lock, err := acquireLock(context.Background(), c.dir, 5*time.Second, c.log, alone)
	if err == nil {
		defer lock.Close()
	}
	_ = os.RemoveAll(c.data)
	_ = os.Remove(lockPath(c.dir))
	_ = os.Remove(c.dir) // fails if it holds anything else
}

// signal sends the server a signal, and ignores that it may have ended. If root may not send it, a child that runs as
// the server's account does.
func (c *Cluster) signal(s syscall.Signal) {
	if err := c.server.Process.Signal(s); errors.Is(err, syscall.EPERM) {
		_ = shell(c.account, `kill -"$1" "$2"`, int(s), c.server.Process.Pid).Run()
	}
}

// watch starts a shell that shuts the server down when this process ends, for systems whose kernel can't: the pipe that
// the shell reads from closes when we end. The returned function, never nil, ends the shell.
func watch(server int, who account) (stop func(), err error) {
	cmd := shell(who, `read -r _ || kill -INT "$1"`, server)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return func() {}, err
	}
	if err := cmd.Start(); err != nil {
		return func() {}, fmt.Errorf("cannot watch over the database server: %w", err)
	}
	return func() {
		_, _ = pipe.Write([]byte("\n"))
		_ = cmd.Wait()
	}, nil
}

func shell(who account, script string, arguments ...int) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", script, "sh")
	for _, n := range arguments {
		cmd.Args = append(cmd.Args, strconv.Itoa(n))
	}
	cmd.Dir, cmd.Env = "/", childEnvironment()
	cmd.SysProcAttr = childAttributes(who.credential(), 0)
	return cmd
}
