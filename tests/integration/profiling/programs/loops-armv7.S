    .syntax unified
    .arm
    .text
    .global _start
    .type _start, %function
_start:
    mov r4, #1000
1:  add r5, r5, #1
    subs r4, r4, #1
    bne 1b
    b middle
    .size _start, . - _start

    .global middle
    .type middle, %function
middle:
    mov r4, #500
2:  nop
    nop
    subs r4, r4, #1
    bne 2b
    b finish
    .size middle, . - middle

    .global finish
    .type finish, %function
finish:
    movw r7, #0x656d
    mov r0, #7
    svc #0
    mov r4, #10
3:  subs r4, r4, #1
    bne 3b
    mov r7, #20
    svc #0
    mov r7, #248
    mov r0, #0
    svc #0
    .size finish, . - finish
