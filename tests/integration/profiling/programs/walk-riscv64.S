    .option norvc
    .text
    .global _start
    .type _start, @function
_start:
    addi s1, zero, 2
1:  la s2, array
    addi s3, zero, 256
2:  ld a0, 0(s2)
    addi s2, s2, 64
    addi s3, s3, -1
    bne s3, zero, 2b
    addi s1, s1, -1
    bne s1, zero, 1b
    addi a7, zero, 94
    addi a0, zero, 0
    ecall
    .size _start, . - _start

    .bss
    .balign 4096
array:
    .space 16384
