    .text
    .global _start
    .type _start, %function
_start:
    mov x19, #2
1:  adrp x20, array
    add x20, x20, :lo12:array
    mov x21, #256
2:  ldr x0, [x20], #64
    subs x21, x21, #1
    b.ne 2b
    subs x19, x19, #1
    b.ne 1b
    mov x8, #94
    mov x0, #0
    svc #0
    .size _start, . - _start

    .bss
    .balign 4096
array:
    .space 16384
