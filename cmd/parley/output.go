package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// writing writes to a file, or without a name to the standard output. A regular file gets its name once it is complete and on the
// disk; anything else, such as a pipe, is written directly.
func writing(name string, mode os.FileMode, write func(io.Writer) error) error {
	if name == "" {
		return buffered(os.Stdout, write)
	}
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		return buffered(file, write)
	}
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := buffered(file, write); err != nil {
		return err
	}
	if err := errors.Join(file.Chmod(mode), file.Sync()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

func buffered(to io.Writer, write func(io.Writer) error) error {
	w := bufio.NewWriter(to)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}
