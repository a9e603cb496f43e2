package storage

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
)

// uuids reads and writes a uuid[].
type uuids []uuid.UUID

// Scan reads the text form, {a,b}: ids need no quotes.
func (u *uuids) Scan(src any) error {
	var text string
	switch src := src.(type) {
	case []byte:
		text = string(src)
	case string:
		text = src
	default:
		return fmt.Errorf("scan %T into ids", src)
	}
	text = strings.Trim(text, "{}")
	*u = nil
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		id, err := uuid.Parse(part)
		if err != nil {
			return fmt.Errorf("scan ids: %w", err)
		}
		*u = append(*u, id)
	}
	return nil
}

// Value writes the binary form; no ids are an empty array and not NULL.
func (u uuids) Value() (driver.Value, error) { return binaryIDs(u), nil }

// words writes an array of an enum or of text.
type words[E ~string] []E

// Value writes an array of text; none is an empty array and not NULL.
func (w words[E]) Value() (driver.Value, error) {
	texts := make(pq.StringArray, len(w))
	for i, e := range w {
		texts[i] = string(e)
	}
	return texts.Value()
}

// locators writes text locators as an integer[] of starts and ends in turn.
type locators []parley.TextLocator

func readLocators(v value) []parley.TextLocator {
	ends := v.elements()
	if len(ends) == 0 {
		return nil
	}
	list := make([]parley.TextLocator, len(ends)/2)
	for i := range list {
		list[i] = parley.TextLocator{Start: readInt(ends[2*i]), End: readInt(ends[2*i+1])}
	}
	return list
}

// Value writes the pairs.
func (l locators) Value() (driver.Value, error) {
	numbers := make(pq.Int64Array, 0, 2*len(l))
	for _, at := range l {
		numbers = append(numbers, int64(at.Start), int64(at.End))
	}
	return numbers.Value()
}
