// Program probe prints, as one line of JSON, what the processor that it runs on has: the words of the auxiliary
// vector, and on riscv64 the answer of riscv_hwprobe. It also computes what a processor with the wrong
// instructions would get wrong.
package main

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"math"
	"math/bits"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

const (
	tagPageSize = 6
	tagHwcap    = 16

	sysRiscvHwprobe = 258
	keyIMAExt0      = 4
)

type report struct {
	Arch       string   `json:"arch"`
	GoMaxProcs int      `json:"gomaxprocs"`
	PageSize   uint64   `json:"page_size"`
	Flags      []string `json:"flags"`
	Digest     string   `json:"digest"`
}

func main() {
	r := report{Arch: runtime.GOARCH, GoMaxProcs: runtime.GOMAXPROCS(0), Digest: digest()}
	vector, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	auxiliary := words(vector)
	r.PageSize = auxiliary[tagPageSize]
	var hwprobe uint64
	if runtime.GOARCH == "riscv64" {
		pair := struct {
			key   int64
			value uint64
		}{key: keyIMAExt0}
		syscall.Syscall6(sysRiscvHwprobe, uintptr(unsafe.Pointer(&pair)), 1, 0, 0, 0, 0)
		if pair.key == keyIMAExt0 {
			hwprobe = pair.value
		}
	}
	r.Flags = flags(r.Arch, auxiliary[tagHwcap], hwprobe)
	json.NewEncoder(os.Stdout).Encode(r)
}

// digest runs the code that Go chooses by the processor's instructions.
func digest() string {
	data := make([]byte, 1<<16)
	for i := range data {
		data[i] = byte(bits.RotateLeft(uint(i), i%7)) ^ byte(bits.OnesCount(uint(i)))
	}
	sum := sha256.Sum256(data)
	block, _ := aes.NewCipher(sum[:16])
	block.Encrypt(sum[16:], sum[16:])
	binary.LittleEndian.PutUint32(sum[:], crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	binary.LittleEndian.PutUint64(sum[8:], math.Float64bits(math.FMA(1.25, float64(len(data)), math.Sqrt(2))))
	return hex.EncodeToString(sum[:])
}

func words(vector []byte) map[uint64]uint64 {
	found := map[uint64]uint64{}
	size := int(unsafe.Sizeof(uintptr(0)))
	word := func(at int) uint64 {
		if size == 4 {
			return uint64(binary.LittleEndian.Uint32(vector[at:]))
		}
		return binary.LittleEndian.Uint64(vector[at:])
	}
	for at := 0; at+2*size <= len(vector); at += 2 * size {
		found[word(at)] = word(at + size)
	}
	return found
}
