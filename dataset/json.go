package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// parseJSON converts valid JSON to YAML nodes with line numbers. The YAML parser refuses some JSON: "\/", and
// characters written as two escapes.
func parseJSON(text []byte) *yaml.Node {
	r := &jsonReader{text: text, Decoder: json.NewDecoder(bytes.NewReader(text)), line: 1}
	r.UseNumber()
	return r.node(r.token())
}

type jsonReader struct {
	*json.Decoder
	text []byte
	line int   // of the last token
	seen int64 // lines are counted up to this offset
}

func (r *jsonReader) token() json.Token {
	token, err := r.Token()
	if err != nil {
		panic(err) // the text is valid
	}
	r.line += bytes.Count(r.text[r.seen:r.InputOffset()], []byte{'\n'})
	r.seen = r.InputOffset()
	return token
}

func (r *jsonReader) node(token json.Token) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line}
	switch token := token.(type) {
	case json.Delim:
		n.Kind = yaml.MappingNode
		if token == '[' {
			n.Kind = yaml.SequenceNode
		}
		for t := r.token(); t != json.Delim('}') && t != json.Delim(']'); t = r.token() {
			n.Content = append(n.Content, r.node(t))
		}
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case string:
		n.Tag, n.Style, n.Value = "!!str", yaml.DoubleQuotedStyle, token
	default:
		n.Value = fmt.Sprint(token)
	}
	return n
}
