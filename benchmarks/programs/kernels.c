/* Ten small programs in one, chosen by number: what counting is compared with callgrind on. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 1;

static uint32_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static uint64_t sieve(void)
{
    static uint8_t composite[200000];
    uint64_t primes = 0;
    for (int i = 2; i < 200000; i++) {
        if (!composite[i]) {
            primes++;
            for (int k = 2 * i; k < 200000; k += i) {
                composite[k] = 1;
            }
        }
    }
    return primes;
}

static uint64_t matrix(void)
{
    static double a[64][64], b[64][64], c[64][64];
    for (int i = 0; i < 64; i++) {
        for (int j = 0; j < 64; j++) {
            a[i][j] = draw() % 100;
            b[i][j] = draw() % 100;
        }
    }
    for (int i = 0; i < 64; i++) {
        for (int j = 0; j < 64; j++) {
            for (int k = 0; k < 64; k++) {
                c[i][j] += a[i][k] * b[k][j];
            }
        }
    }
    return (uint64_t)c[5][7];
}

static uint64_t checksum(void)
{
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) {
            c = c & 1 ? 0xedb88320 ^ (c >> 1) : c >> 1;
        }
        table[i] = c;
    }
    for (int i = 0; i < 500000; i++) {
        crc = table[(crc ^ i) & 255] ^ (crc >> 8);
    }
    return crc;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint64_t sorting(void)
{
    static uint32_t values[20000];
    for (int i = 0; i < 20000; i++) {
        values[i] = draw();
    }
    qsort(values, 20000, sizeof(*values), by_value);
    return values[10000];
}

static uint64_t fibonacci(int n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t hashing(void)
{
    static uint32_t slots[1 << 15];
    uint64_t probes = 0;
    for (int i = 0; i < 20000; i++) {
        uint32_t key = draw() | 1, place = key * 2654435761u >> 17;
        while (slots[place] && slots[place] != key) {
            place = (place + 1) & ((1 << 15) - 1);
            probes++;
        }
        slots[place] = key;
    }
    return probes;
}

static uint64_t bodies(void)
{
    double x[8], v[8], energy = 0;
    for (int i = 0; i < 8; i++) {
        x[i] = draw() % 1000;
        v[i] = 0;
    }
    for (int step = 0; step < 5000; step++) {
        for (int i = 0; i < 8; i++) {
            for (int k = 0; k < 8; k++) {
                double d = x[k] - x[i];
                v[i] += d / (d * d + 1) * 1e-3;
            }
        }
        for (int i = 0; i < 8; i++) {
            x[i] += v[i];
        }
    }
    for (int i = 0; i < 8; i++) {
        energy += v[i] * v[i];
    }
    return (uint64_t)(energy * 1e6);
}

static uint64_t searching(void)
{
    static char text[100001];
    uint64_t found = 0;
    for (int i = 0; i < 100000; i++) {
        text[i] = 'a' + draw() % 4;
    }
    for (const char *at = text; (at = strstr(at, "abcab")); at++) {
        found++;
    }
    return found;
}

static uint64_t printing(void)
{
    char line[64];
    uint64_t total = 0;
    for (int i = 0; i < 5000; i++) {
        total += snprintf(line, sizeof(line), "%d %s %.3f", draw() % 100000, "words", draw() / 7.0);
    }
    return total;
}

static uint64_t lists(void)
{
    struct node {
        struct node *next;
        uint32_t value;
    } *head = NULL;
    uint64_t sum = 0;
    for (int i = 0; i < 20000; i++) {
        struct node *node = malloc(sizeof(*node));
        node->value = draw();
        node->next = head;
        head = node;
    }
    while (head) {
        struct node *next = head->next;
        sum += head->value;
        free(head);
        head = next;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t result = 0;
    switch (argc > 1 ? atoi(argv[1]) : -1) {
    case 0: result = sieve(); break;
    case 1: result = matrix(); break;
    case 2: result = checksum(); break;
    case 3: result = sorting(); break;
    case 4: result = fibonacci(25); break;
    case 5: result = hashing(); break;
    case 6: result = bodies(); break;
    case 7: result = searching(); break;
    case 8: result = printing(); break;
    case 9: result = lists(); break;
    }
    printf("%llu\n", (unsigned long long)result);
    return 0;
}
