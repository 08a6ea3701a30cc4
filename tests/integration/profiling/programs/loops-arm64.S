    .text
    .global _start
    .type _start, %function
_start:
    mov x19, #1000
1:  add x20, x20, #1
    subs x19, x19, #1
    b.ne 1b
    b middle
    .size _start, . - _start

    .global middle
    .type middle, %function
middle:
    mov x19, #500
2:  nop
    nop
    subs x19, x19, #1
    b.ne 2b
    b finish
    .size middle, . - middle

    .global finish
    .type finish, %function
finish:
    mov x8, #0x656d
    mov x0, #7
    svc #0
    mov x19, #10
3:  subs x19, x19, #1
    b.ne 3b
    mov x8, #172
    svc #0
    mov x8, #94
    mov x0, #0
    svc #0
    .size finish, . - finish
