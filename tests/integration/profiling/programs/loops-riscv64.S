    .option norvc
    .text
    .global _start
    .type _start, @function
_start:
    addi s1, zero, 1000
1:  addi s2, s2, 1
    addi s1, s1, -1
    bne s1, zero, 1b
    j middle
    .size _start, . - _start

    .global middle
    .type middle, @function
middle:
    addi s1, zero, 500
2:  nop
    nop
    addi s1, s1, -1
    bne s1, zero, 2b
    j finish
    .size middle, . - middle

    .global finish
    .type finish, @function
finish:
    lui a7, 6
    addi a7, a7, 0x56d
    addi a0, zero, 7
    ecall
    addi s1, zero, 10
3:  addi s1, s1, -1
    bne s1, zero, 3b
    addi a7, zero, 172
    ecall
    addi a7, zero, 94
    addi a0, zero, 0
    ecall
    .size finish, . - finish
