int absent(void) { return 0; }
