package rows

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
)

// Arguments in binary form need no parsing by the server.

// IDArg is an id as an argument.
func IDArg(id uuid.UUID) []byte { return id[:] }

// InstantArg is an instant as an argument.
func InstantArg(t parley.Instant) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro()-year2000))
}

// The types of array elements, by PostgreSQL's numbers.
const (
	uuidType        = 2950
	timestamptzType = 1184
)

func instantsArg(times []parley.Instant) []byte {
	b := arrayHeader(len(times), timestamptzType, 8)
	for _, t := range times {
		b = append(binary.BigEndian.AppendUint32(b, 8), InstantArg(t)...)
	}
	return b
}

// arrayHeader begins an array of one dimension.
func arrayHeader(length int, elementType uint32, size int) []byte {
	b := make([]byte, 0, 20+length*(4+size))
	for _, word := range []uint32{1, 0, elementType, uint32(length), 1} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	return b
}

// IDs is a uuid[]. No ids are an empty array and not NULL.
type IDs []uuid.UUID

// Value writes the binary form.
func (ids IDs) Value() (driver.Value, error) {
	b := arrayHeader(len(ids), uuidType, 16)
	for i := range ids {
		b = append(binary.BigEndian.AppendUint32(b, 16), ids[i][:]...)
	}
	return b, nil
}

// Scan reads the text form, {a,b}, for statements that run through database/sql.
func (ids *IDs) Scan(src any) error {
	var text string
	switch src := src.(type) {
	case []byte:
		text = string(src)
	case string:
		text = src
	default:
		return fmt.Errorf("scan %v into ids", src)
	}
	text = strings.Trim(text, "{}")
	*ids = nil
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		id, err := uuid.Parse(part)
		if err != nil {
			return fmt.Errorf("scan ids: %w", err)
		}
		*ids = append(*ids, id)
	}
	return nil
}

// Words is a text[], or an array of an enum. None is an empty array and not NULL.
type Words[E ~string] []E

// Value writes the text form.
func (w Words[E]) Value() (driver.Value, error) {
	texts := make(pq.StringArray, len(w))
	for i, e := range w {
		texts[i] = string(e)
	}
	return texts.Value()
}

// driverValues are arguments in the forms that drivers take.
func driverValues(args []any) ([]driver.NamedValue, error) {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return values, nil
}
