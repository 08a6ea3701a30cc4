package main

import (
	"strconv"
	"unicode/utf8"
)

// object writes a JSON object with its keys in the order in which they are given.
type object struct{ b []byte }

func newObject() *object { return &object{b: append(make([]byte, 0, 256), '{')} }

func (o *object) key(k string) {
	if len(o.b) > 1 {
		o.b = append(o.b, ',')
	}
	o.b = appendText(o.b, k)
	o.b = append(o.b, ':')
}

func (o *object) text(k, v string) *object {
	o.key(k)
	o.b = appendText(o.b, v)
	return o
}

func (o *object) integer(k string, v int64) *object {
	o.key(k)
	o.b = strconv.AppendInt(o.b, v, 10)
	return o
}

func (o *object) flag(k string, v bool) *object {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
	return o
}

func (o *object) null(k string) *object {
	o.key(k)
	o.b = append(o.b, "null"...)
	return o
}

// raw puts in a value that is JSON already.
func (o *object) raw(k string, v []byte) *object {
	o.key(k)
	o.b = append(o.b, v...)
	return o
}

func (o *object) done() []byte { return append(o.b, '}') }

// list joins values that are JSON already.
func list(values [][]byte) []byte {
	b := []byte{'['}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	return append(b, ']')
}

// appendText appends a JSON string; bytes that are no UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c == '\n':
			b = append(b, '\\', 'n')
			i++
		case c < ' ' || c == 0x7F:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			i++
		case c < utf8.RuneSelf:
			b = append(b, c)
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += size
		}
	}
	return append(b, '"')
}
