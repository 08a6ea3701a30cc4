// Package store keeps how many there are of each part, in a file.
package store

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Parts is how many there are of each part.
type Parts map[string]int

// Read reads lines of "name,count".
func Read(r io.Reader) (Parts, error) {
	parts := Parts{}
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		name, count, found := strings.Cut(lines.Text(), ",")
		n, err := strconv.Atoi(count)
		if !found || name == "" || err != nil {
			return nil, fmt.Errorf("line %d: %q is not name,count", number, lines.Text())
		}
		parts[name] += n
	}
	return parts, lines.Err()
}

// Save writes the parts to a file, whole or not at all.
func (p Parts) Save(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "parts-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(file, "%s,%d\n", name, p[name])
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
