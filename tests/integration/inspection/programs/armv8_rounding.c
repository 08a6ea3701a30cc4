#include <stdio.h>

int main(int count, char **words) {
    double value = count + 0.5, rounded;
    __asm__ volatile("vrintm.f64 %P0, %P1" : "=w"(rounded) : "w"(value));
    return printf("ok %d %s\n", (int)rounded, words[0]) < 0;
}
