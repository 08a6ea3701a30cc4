package main

import "strings"

// Linux's names of the bits by which it reports a processor's instructions to programs.
var (
	// arch/arm64/include/uapi/asm/hwcap.h, from bit 0.
	arm64Flags = strings.Fields(`fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma
		lrcpc dcpop sha3 sm3 sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg`)

	// arch/arm/include/uapi/asm/hwcap.h, from bit 0.
	armFlags = strings.Fields(`swp half thumb 26bit fastmult fpa vfp edsp java iwmmxt crunch thumbee neon vfpv3 vfpv3d16
		tls vfpv4 idiva idivt vfpd32 lpae evtstrm fphp asimdhp asimddp asimdfhm asimdbf16 i8mm`)

	// arch/riscv/include/uapi/asm/hwprobe.h, RISCV_HWPROBE_KEY_IMA_EXT_0 from bit 1; bit 0 is F and D.
	riscvFlags = strings.Fields(`c v zba zbb zbs zicboz zbc zbkb zbkc zbkx zknd zkne zknh zksed zksh zkt zvbb zvbc zvkb
		zvkg zvkned zvknha zvknhb zvksed zvksh zvkt zfh zfhmin zihintntl zvfh zvfhmin zfa ztso zacas zicond zihintpause`)
)

func flags(arch string, hwcap, hwprobe uint64) []string {
	names, word, found := armFlags, hwcap, []string{}
	switch arch {
	case "arm64":
		names = arm64Flags
	case "riscv64":
		names, word = riscvFlags, hwprobe>>1
		if hwprobe&1 != 0 {
			found = append(found, "f", "d")
		}
	}
	for bit, name := range names {
		if word>>bit&1 != 0 {
			found = append(found, name)
		}
	}
	return found
}
