package parley

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// An id is read as what was written, and nothing else is read as an id.
func TestObjectIDsHaveOneSpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Map(rapid.Int64Range(EarliestInstant.UnixMicro(), LatestInstant.UnixMicro()),
			func(micros int64) Instant { return time.UnixMicro(micros).UTC() })
		o := ObjectID{Record: NewID()}
		if rapid.Bool().Draw(t, "superseded") {
			o.Version = NewID()
		}
		if rapid.Bool().Draw(t, "valid") {
			o.Lens.ValidAt, o.Lens.Asked = instant.Draw(t, "validAt"), o.Lens.Asked|ValidAxis
		}
		if rapid.Bool().Draw(t, "known") {
			o.Lens.KnownAt, o.Lens.Asked = instant.Draw(t, "knownAt"), o.Lens.Asked|KnownAxis
		}
		text := o.String()
		if read, ok := ReadObjectID(text); !ok || read != o || len(text) > 96 {
			t.Fatalf("%s is read as %+v, %v; want %+v", text, read, ok, o)
		}
		if ref := ReadRef(text); ref != (Ref{ID: o.Record}) {
			t.Fatalf("%s refers to %+v", text, ref)
		}
		damaged := []byte(text)
		damaged[rapid.IntRange(0, len(text)-1).Draw(t, "place")] = rapid.SampledFrom([]byte("~x0vV-")).Draw(t, "byte")
		if read, ok := ReadObjectID(string(damaged)); ok && read.String() != string(damaged) {
			t.Fatalf("%s is read as %s", damaged, read)
		}
	})
}

func TestTextsThatAreNoObjectIDs(t *testing.T) {
	t.Parallel()
	id := "0190f3a4-5b6c-7d8e-9fa0-b1c2d3e4f506"
	o := ObjectID{Record: uuid.MustParse(id), Version: uuid.MustParse(id), Lens: Pinned(EarliestInstant, LatestInstant)}
	whole := o.String()
	version, valid, known := whole[36:64], whole[64:79], whole[79:]
	for _, text := range []string{
		"", "~", "talks", "talks~v", id + "~", id + "~x", id + "~v", id + "~k0", id + "~v" + strings.Repeat("v", 13),
		strings.ToUpper(id), strings.ReplaceAll(id, "-", ""), "{" + id + "}", "urn:uuid:" + id,
		id + known + valid, id + valid + valid, id + valid + version, strings.ToUpper(whole), whole + "~", " " + whole,
		id + valid[:14] + "1", // the last digit has bits that no instant has
	} {
		if o, ok := ReadObjectID(text); ok {
			t.Errorf("%q is read as %+v", text, o)
		}
		if strings.Contains(text, "~") {
			if ref := ReadRef(text); ref != (Ref{}) {
				t.Errorf("%q refers to %+v", text, ref)
			}
		}
	}
}
