#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>

int main(void) { return pthread_gettid_np(pthread_self()) > 0 && puts("ok") < 0; }
