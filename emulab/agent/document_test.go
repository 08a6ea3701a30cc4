package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// standard decodes with encoding/json and returns false for what this protocol leaves out.
func standard(text []byte) (any, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if !json.Valid(text) || decoder.Decode(&v) != nil {
		return nil, false
	}
	return integers(v)
}

func integers(v any) (any, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	case []any:
		for i := range v {
			n, ok := integers(v[i])
			if !ok {
				return nil, false
			}
			v[i] = n
		}
	case map[string]any:
		for k := range v {
			n, ok := integers(v[k])
			if !ok {
				return nil, false
			}
			v[k] = n
		}
	}
	return v, true
}

func FuzzDocumentsReadAsTheStandardLibraryReadsThem(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,-2,true,false,null,"x"],"b":{"c":"\u00e9\ud83d\ude00\n\\\"\/"}}`, `[[[]]]`, `"\ud83d"`, `"\ud83dx"`,
		`01`, `-`, `1.5`, `1e3`, `9223372036854775807`, `9223372036854775808`, `{"a":1,}`, `"\x"`, "\"\x01\"", `{"a" 1}`,
		` { "a" : [ 1 , 2 ] } `, `"\ud83d\u0041"`, "\"\xff\"", `-0`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseDocument(text)
		if !utf8.Valid(text) || strings.Count(string(text), "[")+strings.Count(string(text), "{") > maxDepth {
			return // the standard library repairs what this one refuses
		}
		want, ok := standard(text)
		if (err == nil) != ok {
			t.Fatalf("%q: error %v, and the standard library reads it: %v", text, err, ok)
		}
		if ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, want %#v", text, got, want)
		}
	})
}

func FuzzWrittenTextsReadBack(f *testing.F) {
	f.Add("plain", "\x00\"\\\n\x7f\u2028é😀")
	f.Add("broken", "\xff\xc3(")
	f.Fuzz(func(t *testing.T, key, value string) {
		o := newObject().text(key, value).integer(key+"n", -5).flag(key+"f", true).null(key + "0")
		text := o.raw(key+"r", list([][]byte{[]byte("1"), []byte("2")})).done()
		got, err := parseDocument(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		k, v := strings.ToValidUTF8(key, "\uFFFD"), ""
		for _, r := range value { // each broken byte is one U+FFFD
			v += string(r)
		}
		if utf8.ValidString(key) && got.(map[string]any)[k] != v {
			t.Fatalf("%q: %q, want %q", text, got.(map[string]any)[k], v)
		}
		if !json.Valid(text) {
			t.Fatalf("%q is not JSON", text)
		}
	})
}

func TestDeepNestingIsRefused(t *testing.T) {
	if _, err := parseDocument([]byte(strings.Repeat("[", 100000))); err == nil {
		t.Error("it was read")
	}
}

func TestTheFirstProblemOfARequestIsNamed(t *testing.T) {
	for document, want := range map[string]string{
		`{"path": 3}`:                 "field path must be a string",
		`{}`:                          "field path must be a string",
		`{"path": "x", "size": "1"}`:  "field size must be an integer",
		`{"path": "x", "more": 1}`:    "unknown field more",
		`[]`:                          "the request is not an object",
		`{"path": "x", "size": 4}`:    "",
		`{"path": "x", "size": null}`: "",
	} {
		v, err := parseDocument([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		in := newFields(v)
		in.text("path")
		in.integer("size", 0)
		got := ""
		if bad := in.finish(); bad != nil {
			got = bad.message
		}
		if got != want {
			t.Errorf("%s: %q, want %q", document, got, want)
		}
	}
}
