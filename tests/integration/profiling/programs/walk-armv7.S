    .syntax unified
    .arm
    .text
    .global _start
    .type _start, %function
_start:
    mov r4, #2
1:  movw r5, :lower16:array
    movt r5, :upper16:array
    mov r6, #256
2:  ldr r0, [r5], #64
    subs r6, r6, #1
    bne 2b
    subs r4, r4, #1
    bne 1b
    mov r7, #248
    mov r0, #0
    svc #0
    .size _start, . - _start

    .bss
    .balign 4096
array:
    .space 16384
