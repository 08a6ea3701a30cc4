/*
 * What instructions take on this processor, as emulab/timing/cores/zen-5.toml has it. Linux, amd64:
 *
 *     gcc -O1 -mno-red-zone -o zen-5 zen-5.c && ./zen-5
 *
 * The clock is that of dependent additions, one a cycle; of each line the least of 15 runs.
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
        __asm__ volatile("mov %0,%%rcx\n1:\n" TEN("add $1,%%rax\nadd $1,%%rax\n") "dec %%rcx\njnz 1b" ::"r"(
                             (long)ROUNDS)
                         : "rax", "rcx");
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
    MEASURE("jump to the next line", 20, TEN("jmp 2f\n.p2align 6\n2:\njmp 2f\n.p2align 6\n2:\n"))
    MEASURE("call and return", 10, "jmp 3f\n.p2align 7\n4: nop\nret\n.p2align 7\n3:\n" TEN("call 4b\n.p2align 6\n"))
    return 0;
}
