package parley

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Damage is a place in a text that stands for no character. Decoders put U+FFFD there without a word, so it has to be
// found before. There is no library for that: those that decode do so without telling.
type Damage struct {
	Offset int // in bytes
	Place  string
	What   string
}

// Error is a sentence without its full stop.
func (d *Damage) Error() string { return d.Place + " " + d.What }

const notUTF8 = "has bytes that are not UTF-8; send the text in UTF-8"

func halfPair(escape string) string {
	return fmt.Sprintf("has %s, half of a surrogate pair, which stands for no character; give both halves, or the character "+
		"itself", escape)
}

// DamageInJSON finds bytes that are not UTF-8, and escapes of half a surrogate pair, in JSON. Nil: there are none.
func DamageInJSON(text []byte) *Damage {
	var d *Damage
	if at := notText(text); at >= 0 {
		d = &Damage{Offset: at, What: notUTF8}
	}
	for at := bytes.IndexByte(text, '\\'); at >= 0 && (d == nil || at < d.Offset); {
		length, half := escape(text[at:])
		if half {
			d = &Damage{Offset: at, What: halfPair(string(text[at : at+length]))}
			break
		}
		next := bytes.IndexByte(text[min(at+length, len(text)):], '\\')
		if next < 0 {
			break
		}
		at += length + next
	}
	if d != nil {
		d.Place = placeInJSON(text, d.Offset)
	}
	return d
}

// DamageInText finds bytes that are not UTF-8 in a text with a name. Nil: there are none.
func DamageInText(name, text string) *Damage {
	if at := notText([]byte(text)); at >= 0 {
		return &Damage{Offset: at, Place: name, What: notUTF8}
	}
	return nil
}

// DamageInDocument finds what DamageInJSON finds in a GraphQL document, where only strings between single quotation marks have escapes.
func DamageInDocument(text string) *Damage {
	at := func(offset int, what string) *Damage {
		before := text[:offset]
		line := strings.Count(before, "\n") + 1
		column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
		return &Damage{Offset: offset, Place: fmt.Sprintf("The document, in line %d, column %d,", line, column), What: what}
	}
	if bad := notText([]byte(text)); bad >= 0 {
		return at(bad, notUTF8)
	}
	if !strings.Contains(text, `\u`) {
		return nil
	}
	const block = `"""`
	for i := 0; i < len(text); {
		switch {
		case text[i] == '#':
			i += lengthUntil(text[i:], "\n")
		case strings.HasPrefix(text[i:], block):
			for i += len(block); i < len(text) && !strings.HasPrefix(text[i:], block); i++ {
				if strings.HasPrefix(text[i:], `\`+block) {
					i += len(block)
				}
			}
			i += len(block)
		case text[i] == '"':
			for i++; i < len(text) && text[i] != '"' && text[i] != '\n'; {
				length, half := 1, false
				if text[i] == '\\' {
					length, half = escape([]byte(text[i:min(i+12, len(text))]))
				}
				if half {
					return at(i, halfPair(text[i:i+length]))
				}
				i += length
			}
			i++
		default:
			i++
		}
	}
	return nil
}

func lengthUntil(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i
	}
	return len(text)
}

// notText is where a text stops being UTF-8; -1: nowhere.
func notText(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
}

// escape measures the escape with which a text begins, both of two that make a pair, and says whether it is half a pair.
func escape(text []byte) (length int, half bool) {
	unit := func(text []byte) (rune, bool) {
		if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
		return rune(n), err == nil
	}
	first, ok := unit(text)
	switch {
	case !ok:
		return 2, false
	case !utf16.IsSurrogate(first):
		return 6, false
	}
	if second, ok := unit(text[6:]); ok && utf16.DecodeRune(first, second) != utf8.RuneError {
		return 12, false
	}
	return 6, true
}

// placeInJSON is the path of the value, or of the name, at an offset of a JSON text: variables.input.body.
func placeInJSON(text []byte, offset int) string {
	type level struct {
		name  string // of the member that is read
		index int    // of the entry; -1: it is an object
		named bool   // a name was read, and its value comes next
	}
	var path []level
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil || decoder.InputOffset() > int64(offset) {
			break
		}
		if delim, ok := token.(json.Delim); ok {
			switch delim {
			case '{':
				path = append(path, level{index: -1})
				continue
			case '[':
				path = append(path, level{index: 0})
				continue
			}
			path = path[:len(path)-1]
		} else if n := len(path) - 1; n >= 0 && path[n].index < 0 && !path[n].named {
			path[n].name, path[n].named = fmt.Sprint(token), true
			continue
		}
		if n := len(path) - 1; n >= 0 { // a value has ended
			path[n].named = false
			if path[n].index >= 0 {
				path[n].index++
			}
		}
	}
	var names []string
	for _, l := range path {
		switch {
		case l.index >= 0:
			names = append(names, strconv.Itoa(l.index))
		case l.named:
			names = append(names, l.name)
		}
	}
	if len(names) == 0 {
		return "The text"
	}
	return strings.Join(names, ".")
}
