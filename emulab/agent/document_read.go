package main

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

// Documents are JSON without fractions: objects, arrays, strings, integers that fit an int64,
// booleans and null. encoding/json would double the code that a restored guest translates before its
// first answer.

var errDocument = errors.New("not a JSON document of this protocol")

const maxDepth = 16

type parser struct {
	text []byte
	at   int
}

func parseDocument(text []byte) (any, error) {
	p := &parser{text: text}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at != len(p.text) {
		return nil, errDocument
	}
	return v, nil
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDocument
	}
	p.space()
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.str()
	case c == '-' || (c >= '0' && c <= '9'):
		return p.integer()
	case p.word("true"):
		return true, nil
	case p.word("false"):
		return false, nil
	case p.word("null"):
		return nil, nil
	}
	return nil, errDocument
}

func (p *parser) word(w string) bool {
	if len(p.text)-p.at >= len(w) && string(p.text[p.at:p.at+len(w)]) == w {
		p.at += len(w)
		return true
	}
	return false
}

func (p *parser) object(depth int) (any, error) {
	p.at++
	m := map[string]any{}
	if p.space(); p.peek() == '}' {
		p.at++
		return m, nil
	}
	for {
		p.space()
		if p.peek() != '"' {
			return nil, errDocument
		}
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		if p.space(); p.peek() != ':' {
			return nil, errDocument
		}
		p.at++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m[key] = v
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			return m, nil
		default:
			return nil, errDocument
		}
	}
}

func (p *parser) array(depth int) (any, error) {
	p.at++
	list := []any{}
	if p.space(); p.peek() == ']' {
		p.at++
		return list, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case ']':
			p.at++
			return list, nil
		default:
			return nil, errDocument
		}
	}
}

func (p *parser) integer() (any, error) {
	from := p.at
	if p.peek() == '-' {
		p.at++
	}
	first := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	if p.at-first > 1 && p.text[first] == '0' {
		return nil, errDocument
	}
	v, err := strconv.ParseInt(string(p.text[from:p.at]), 10, 64)
	if err != nil {
		return nil, errDocument
	}
	return v, nil
}

func (p *parser) str() (string, error) {
	p.at++
	from := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			s := p.text[from:p.at]
			p.at++
			if !utf8.Valid(s) {
				return "", errDocument
			}
			return string(s), nil
		case c == '\\':
			return p.escaped(append([]byte(nil), p.text[from:p.at]...))
		case c < ' ':
			return "", errDocument
		default:
			p.at++
		}
	}
	return "", errDocument
}

// escaped reads the rest of a string that has an escape at the current position.
func (p *parser) escaped(b []byte) (string, error) {
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return "", errDocument
			}
			return string(b), nil
		case c < ' ':
			return "", errDocument
		case c != '\\':
			b = append(b, c)
			continue
		}
		e := p.peek()
		p.at++
		switch e {
		case '"', '\\', '/':
			b = append(b, e)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, err := p.codePoint()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		default:
			return "", errDocument
		}
	}
	return "", errDocument
}

func (p *parser) hex4() (rune, error) {
	if len(p.text)-p.at < 4 {
		return 0, errDocument
	}
	v, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, errDocument
	}
	p.at += 4
	return rune(v), nil
}

// codePoint reads what follows \u, a surrogate pair as one; a lone surrogate is U+FFFD.
func (p *parser) codePoint() (rune, error) {
	r, err := p.hex4()
	if err != nil || r < 0xD800 || r > 0xDFFF {
		return r, err
	}
	if r >= 0xDC00 || len(p.text)-p.at < 6 || p.text[p.at] != '\\' || p.text[p.at+1] != 'u' {
		return utf8.RuneError, nil
	}
	mark := p.at
	p.at += 2
	low, err := p.hex4()
	if err != nil {
		return 0, err
	}
	if low < 0xDC00 || low > 0xDFFF {
		p.at = mark
		return utf8.RuneError, nil
	}
	return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, nil
}
