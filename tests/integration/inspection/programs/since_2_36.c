#include <stdio.h>
#include <stdlib.h>

int main(void) { return puts(arc4random() < 4294967295u ? "ok" : "ok too") < 0; }
