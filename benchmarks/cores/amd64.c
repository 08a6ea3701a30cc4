/*
 * What instructions take on this processor, as the files of amd64 cores in emulab/timing/cores have it. Linux:
 *
 *     gcc -O1 -mno-red-zone -o amd64 amd64.c && ./amd64
 *
 * The clock is that of dependent additions of registers, one a cycle (Golden Cove does away with those of
 * constants); of each line the least of 15 runs.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define TEN(x) x x x x x x x x x x
#define ROUNDS 200000
#define RUNS 15

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

#define MEASURE(name, number, body)                                                                          \
    {                                                                                                        \
        double best = 1e9;                                                                                   \
        for (int run = 0; run < RUNS; run++) {                                                               \
            double before = now();                                                                           \
            __asm__ volatile("mov %0,%%r15\n\t lea -512(%%rsp),%%r12\n\t mov %%r12,%%r13\n\t mov $1,%%r8\n\t"  \
                             "mov $2,%%r9\n\t mov $3,%%r10\n\t .p2align 6\n1:\n\t" body                       \
                             "\n\t dec %%r15\n\t jnz 1b" ::"r"((long)ROUNDS)                                  \
                             : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",    \
                               "r14", "r15", "memory", "xmm0", "xmm1", "xmm2", "xmm3");                      \
            double took = now() - before;                                                                    \
            best = took < best ? took : best;                                                                \
        }                                                                                                    \
        printf("%-36s %6.2f cycles\n", name, best / ROUNDS / number / cycle);                                 \
    }

int main(void)
{
    double cycle = 1e9;
    for (int run = 0; run < 2 * RUNS; run++) {
        double before = now();
        __asm__ volatile("mov $1,%%r8\nmov %0,%%rcx\n1:\n" TEN("add %%r8,%%rax\nadd %%r8,%%rax\n") "dec %%rcx\njnz 1b" ::"r"(
                             (long)ROUNDS)
                         : "rax", "rcx", "r8");
        double took = (now() - before) / ROUNDS / 20;
        cycle = took < cycle ? took : cycle;
    }
    printf("%-36s %6.2f GHz\n", "clock", 1e-9 / cycle);
    MEASURE("store, load, 8 bytes", 10, TEN("mov %%rax,8(%%r12)\nmov 8(%%r12),%%rax\n"))
    MEASURE("store, load, 4 bytes", 10, TEN("mov %%eax,8(%%r12)\nmov 8(%%r12),%%eax\n"))
    MEASURE("store, load by another register", 10, TEN("mov %%rax,8(%%r12)\nmov 8(%%r13),%%rax\n"))
    MEASURE("push, pop", 10, TEN("push %%rax\npop %%rax\n"))
    MEASURE("store, load, a byte", 10, TEN("movb %%al,8(%%r12)\nmovzbl 8(%%r12),%%eax\n"))
    MEASURE("store, load, a vector", 10, TEN("movups %%xmm0,(%%r12)\nmovups (%%r12),%%xmm0\n"))
    MEASURE("imul", 30, TEN("imul $7,%%r8,%%rax\nimul $7,%%r9,%%rcx\nimul $7,%%r10,%%rdx\n"))
    MEASURE("imul, dependent", 10, TEN("imul %%rax,%%rax\n"))
    MEASURE("mul, dependent", 10, TEN("mul %%rax\n"))
    MEASURE("shift", 40, TEN("sar $3,%%eax\nsar $3,%%ecx\nsar $3,%%edx\nsar $3,%%esi\n"))
    MEASURE("lea of two registers and a constant", 20, TEN("lea 5(%%r8,%%r9),%%rax\nlea 5(%%r9,%%r10),%%rdx\n"))
    MEASURE("load", 30, TEN("mov (%%r12),%%rax\nmov 8(%%r12),%%rcx\nmov 16(%%r12),%%rdx\n"))
    MEASURE("store", 20, TEN("mov %%rax,(%%r12)\nmov %%rcx,8(%%r12)\n"))
    MEASURE("paddd, dependent", 10, TEN("paddd %%xmm0,%%xmm0\n"))
    MEASURE("addsd, dependent", 10, TEN("addsd %%xmm0,%%xmm0\n"))
    MEASURE("mulsd, dependent", 10, TEN("mulsd %%xmm0,%%xmm0\n"))
    MEASURE("aesenc, dependent", 10, TEN("aesenc %%xmm1,%%xmm0\n"))
    MEASURE("movq to a vector register and back", 10, TEN("movq %%rax,%%xmm0\nmovq %%xmm0,%%rax\n"))
    MEASURE("lock add", 10, TEN("lock addl $1,8(%%r12)\n"))
    MEASURE("add of a constant, dependent", 10, TEN("add $1,%%rax\n"))
    MEASURE("adc, dependent", 10, TEN("adc %%r8,%%rax\n"))
    MEASURE("add, independent", 60, TEN("add %%r8,%%rax\nadd %%r8,%%rcx\nadd %%r8,%%rdx\nadd %%r8,%%rsi\nadd %%r8,%%rdi\nadd %%r8,%%r9\n"))
    MEASURE("rotate, dependent", 10, TEN("rol $3,%%rax\n"))
    MEASURE("shift by a register, dependent", 10, TEN("shl %%cl,%%rax\n"))
    MEASURE("bit scan, dependent", 10, TEN("bsr %%rax,%%rax\nor %%r8,%%rax\n"))
    MEASURE("popcnt, dependent", 10, TEN("popcnt %%rax,%%rax\n"))
    MEASURE("bswap, dependent", 10, TEN("bswap %%rax\n"))
    MEASURE("conditional move, dependent", 10, TEN("cmovc %%r8,%%rax\n"))
    MEASURE("mul of 64 bits", 10, TEN("mov %%r8,%%rax\nmul %%r9\n"))
    MEASURE("div of 64 bits, dependent", 10, TEN("xor %%edx,%%edx\nor %%r10,%%rax\ndiv %%r8\n"))
    MEASURE("div of 64 bits", 10, TEN("xor %%edx,%%edx\nmov %%r10,%%rax\ndiv %%r8\n"))
    MEASURE("div of 32 bits, dependent", 10, TEN("xor %%edx,%%edx\nor %%r10d,%%eax\ndiv %%r8d\n"))
    MEASURE("div of 32 bits", 10, TEN("xor %%edx,%%edx\nmov %%r10d,%%eax\ndiv %%r8d\n"))
    MEASURE("load of an address", 10, "mov %%r12,(%%r12)\n" TEN("mov (%%r12),%%rax\nmov (%%rax),%%r12\n"))
    MEASURE("xor of memory, dependent", 10, TEN("xor (%%r12),%%rax\n"))
    MEASURE("add to memory", 10, TEN("add %%rax,8(%%r12)\n"))
    MEASURE("add to memory, two places", 20, TEN("add %%rax,8(%%r12)\nadd %%rax,72(%%r12)\n"))
    MEASURE("load of a vector", 30, TEN("movups (%%r12),%%xmm0\nmovups 16(%%r12),%%xmm1\nmovups 32(%%r12),%%xmm2\n"))
    MEASURE("paddd", 30, TEN("paddd %%xmm3,%%xmm0\npaddd %%xmm3,%%xmm1\npaddd %%xmm3,%%xmm2\n"))
    MEASURE("pshufb", 30, TEN("pshufb %%xmm3,%%xmm0\npshufb %%xmm3,%%xmm1\npshufb %%xmm3,%%xmm2\n"))
    MEASURE("pmuludq, dependent", 10, TEN("pmuludq %%xmm0,%%xmm0\n"))
    MEASURE("pmulld, dependent", 10, TEN("pmulld %%xmm0,%%xmm0\n"))
    MEASURE("vfmadd231sd, dependent", 10, TEN("vfmadd231sd %%xmm1,%%xmm2,%%xmm0\n"))
    MEASURE("addsd", 30, TEN("addsd %%xmm3,%%xmm0\naddsd %%xmm3,%%xmm1\naddsd %%xmm3,%%xmm2\n"))
    MEASURE("divsd, dependent", 10, TEN("divsd %%xmm1,%%xmm0\n"))
    MEASURE("divsd", 20, TEN("divsd %%xmm3,%%xmm0\ndivsd %%xmm3,%%xmm1\n"))
    MEASURE("sqrtsd, dependent", 10, TEN("sqrtsd %%xmm0,%%xmm0\n"))
    MEASURE("sqrtsd", 20, TEN("sqrtsd %%xmm3,%%xmm0\nsqrtsd %%xmm3,%%xmm1\n"))
    MEASURE("cvtsi2sd, cvttsd2si", 10, TEN("cvtsi2sd %%rax,%%xmm0\ncvttsd2si %%xmm0,%%rax\n"))
    MEASURE("ucomisd and a move that needs it", 10, TEN("ucomisd %%xmm1,%%xmm0\ncmovc %%r8,%%rax\nmovq %%rax,%%xmm0\n"))
    MEASURE("crc32, dependent", 10, TEN("crc32q %%r8,%%rax\n"))
    MEASURE("aesenc", 30, TEN("aesenc %%xmm3,%%xmm0\naesenc %%xmm3,%%xmm1\naesenc %%xmm3,%%xmm2\n"))
    MEASURE("pclmulqdq, dependent", 10, TEN("pclmulqdq $0,%%xmm1,%%xmm0\n"))
    MEASURE("sha256rnds2, dependent", 10, TEN("sha256rnds2 %%xmm1,%%xmm2\n"))
    MEASURE("sha256msg2, dependent", 10, TEN("sha256msg2 %%xmm1,%%xmm2\n"))
    MEASURE("nop", 40, TEN("nop\nnop\nnop\nnop\n"))
    MEASURE("loop of two instructions", 1, "")
    MEASURE("jump to the next line", 20, TEN("jmp 2f\n.p2align 6\n2:\njmp 2f\n.p2align 6\n2:\n"))
    MEASURE("call and return", 10, "jmp 3f\n.p2align 7\n4: nop\nret\n.p2align 7\n3:\n" TEN("call 4b\n.p2align 6\n"))
    return 0;
}
