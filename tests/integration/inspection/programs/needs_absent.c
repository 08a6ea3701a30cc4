#include <stdio.h>

int absent(void);

int main(int count, char **words) { return puts("ok") < 0 || (count > 5 && absent() && words[0]); }
