// Command emulab-symbols tells the function and line of addresses in an ELF program.
//
//	emulab-symbols PROGRAM <ADDRESSES
//
// It reads hexadecimal addresses, one a line, or names of functions, each after a =. It answers each with a line
// of the function's entry (hexadecimal), the line's number, the function's name and the file, separated by
// tabs. A single * is answered with all functions and, where the program is not stripped, variables instead: a line
// each of code or data, its size and its name, and an empty line at the end. What is not known is 0 or empty. Go's own tables come first, which a stripped program has too; for code that Go did not
// compile there are the ELF symbols.
package main

import (
	"bufio"
	"debug/elf"
	"debug/gosym"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fail("usage: emulab-symbols PROGRAM <ADDRESSES")
	}
	p, err := open(os.Args[1])
	if err != nil {
		fail(err.Error())
	}
	if err := p.answer(os.Stdin, os.Stdout); err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}

// program is what an ELF file knows of its code. A nil table means that Go did not build it.
type program struct {
	table   *gosym.Table
	symbols []elf.Symbol // functions, by address
	objects []elf.Symbol // variables
}

func open(path string) (*program, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &program{}
	all, _ := file.Symbols() // a stripped program has none
	text := uint64(0)
	if section := file.Section(".text"); section != nil {
		text = section.Addr
	}
	for _, symbol := range all {
		if symbol.Name == "runtime.text" {
			// With C code in front, Go's own begins later than the section.
			text = symbol.Value
		}
		if elf.ST_TYPE(symbol.Info) == elf.STT_FUNC && symbol.Section != elf.SHN_UNDEF {
			if file.Machine == elf.EM_ARM {
				symbol.Value &^= 1 // the bit that says Thumb
			}
			p.symbols = append(p.symbols, symbol)
		}
		if elf.ST_TYPE(symbol.Info) == elf.STT_OBJECT && symbol.Section != elf.SHN_UNDEF {
			p.objects = append(p.objects, symbol)
		}
	}
	sort.SliceStable(p.symbols, func(i, j int) bool { return p.symbols[i].Value < p.symbols[j].Value })
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab"} {
		section := file.Section(name)
		if section == nil {
			continue
		}
		data, err := section.Data()
		if err != nil {
			return nil, err
		}
		p.table, err = gosym.NewTable(nil, gosym.NewLineTable(data, text))
		if err != nil {
			return nil, err
		}
		break
	}
	return p, nil
}

func (p *program) answer(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	answers := bufio.NewWriter(out)
	for lines.Scan() {
		if lines.Text() == "*" {
			p.list(answers)
			continue
		}
		if wanted, ok := strings.CutPrefix(lines.Text(), "="); ok {
			entry, name, file := p.find(wanted)
			fmt.Fprintf(answers, "%x\t0\t%s\t%s\n", entry, name, file)
			continue
		}
		address, err := strconv.ParseUint(lines.Text(), 16, 64)
		if err != nil {
			return fmt.Errorf("%q is no address", lines.Text())
		}
		entry, line, name, file := p.locate(address)
		fmt.Fprintf(answers, "%x\t%d\t%s\t%s\n", entry, line, name, file)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return answers.Flush()
}

// list writes every function and variable with its size, each address once.
func (p *program) list(out io.Writer) {
	first, last := uint64(0), uint64(0)
	if p.table != nil && len(p.table.Funcs) > 0 {
		for _, function := range p.table.Funcs {
			fmt.Fprintf(out, "code\t%d\t%s\n", function.End-function.Entry, function.Name)
		}
		first, last = p.table.Funcs[0].Entry, p.table.Funcs[len(p.table.Funcs)-1].End
	}
	seen := uint64(0)
	for _, symbol := range p.symbols {
		inGo := symbol.Value >= first && symbol.Value < last
		if symbol.Size > 0 && !inGo && symbol.Value != seen {
			fmt.Fprintf(out, "code\t%d\t%s\n", symbol.Size, symbol.Name)
			seen = symbol.Value
		}
	}
	sort.SliceStable(p.objects, func(i, j int) bool { return p.objects[i].Value < p.objects[j].Value })
	end := uint64(0)
	for _, symbol := range p.objects {
		if symbol.Size > 0 && symbol.Value >= end {
			fmt.Fprintf(out, "data\t%d\t%s\n", symbol.Size, symbol.Name)
			end = symbol.Value + symbol.Size
		}
	}
	fmt.Fprintln(out)
}

// find returns a function of that name; its name is empty where there is none.
func (p *program) find(wanted string) (entry uint64, name, file string) {
	if p.table != nil {
		if function := p.table.LookupFunc(wanted); function != nil {
			file, _, _ := p.table.PCToLine(function.Entry)
			return function.Entry, wanted, file
		}
	}
	for _, symbol := range p.symbols {
		if symbol.Name == wanted {
			return symbol.Value, wanted, ""
		}
	}
	return 0, "", ""
}

func (p *program) locate(address uint64) (entry uint64, line int, name, file string) {
	if p.table != nil {
		file, line, function := p.table.PCToLine(address)
		if function != nil {
			return function.Entry, line, function.Name, file
		}
	}
	after := sort.Search(len(p.symbols), func(i int) bool { return p.symbols[i].Value > address })
	if after == 0 {
		return 0, 0, "", ""
	}
	symbol := p.symbols[after-1]
	if symbol.Size != 0 && address >= symbol.Value+symbol.Size {
		return 0, 0, "", ""
	}
	return symbol.Value, 0, symbol.Name, ""
}
