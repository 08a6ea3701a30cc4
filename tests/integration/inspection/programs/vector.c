#include <stdio.h>

int main(void) {
    unsigned long elements;
    __asm__ volatile("vsetvli %0, zero, e8, m1, ta, ma" : "=r"(elements));
    return printf("ok %lu\n", elements) < 0;
}
