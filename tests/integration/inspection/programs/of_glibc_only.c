#include <stdio.h>

const char *gnu_get_libc_version(void);

int main(void) { return printf("ok %s\n", gnu_get_libc_version()) < 0; }
