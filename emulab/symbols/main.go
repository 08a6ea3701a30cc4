// Command emulab-symbols tells the function and line of addresses in an ELF program.
//
//	emulab-symbols PROGRAM <ADDRESSES
//
// It reads hexadecimal addresses, one a line, or names of functions, each after a =. It answers each with a line
// of the function's entry (hexadecimal), the line's number, the function's name and the file, separated by
// tabs. What is not known is 0 or empty. Go's own tables come first, which a stripped program has too; for code that Go did not
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
