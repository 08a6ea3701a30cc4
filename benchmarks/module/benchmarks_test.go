// Package benchmarks has benchmarks of what the standard library has none of its own for.
package benchmarks

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
	"text/template"
)

func text(b *testing.B) []byte {
	data, err := os.ReadFile("testdata/text.txt")
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Repeat(data, 20)
}

func BenchmarkGzip(b *testing.B) {
	data := text(b)
	b.Run("write", func(b *testing.B) {
		w := gzip.NewWriter(io.Discard)
		for i := 0; i < b.N; i++ {
			w.Reset(io.Discard)
			w.Write(data)
			w.Close()
		}
	})
	b.Run("read", func(b *testing.B) {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Write(data)
		w.Close()
		r := new(gzip.Reader)
		b.ResetTimer()
		for i := 0; i < b.N; i++ {
			if err := r.Reset(bytes.NewReader(packed.Bytes())); err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, r)
		}
	})
}

func BenchmarkTemplate(b *testing.B) {
	t := template.Must(template.New("t").Parse(`{{range .}}{{if .Good}}{{.Name | printf "%q"}}: {{.Size}}
{{end}}{{end}}`))
	type row struct {
		Name string
		Size int
		Good bool
	}
	rows := []row{{"one", 1, true}, {"two", 2, false}, {"three", 3, true}}
	for i := 0; i < b.N; i++ {
		if err := t.Execute(io.Discard, rows); err != nil {
			b.Fatal(err)
		}
	}
}
