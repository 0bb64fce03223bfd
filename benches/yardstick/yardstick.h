/* What the yardsticks share: loopback sockets, a monotonic clock, and a log-linear histogram.
 *
 * The yardsticks are the least that does a job: no checks of replies, no options, errors end the program. They show what
 * the kernel allows on this machine, side by side with netproto. Loopback only; each run is bounded. Results are one JSON
 * object on stdout. */
#ifndef YARDSTICK_H
#define YARDSTICK_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static inline struct sockaddr_in loopback(uint32_t last_bits, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last_bits);
    return address;
}

/* 127.0.0.1 */
static inline struct sockaddr_in server_address(int port) { return loopback(1, port); }

/* A client socket bound to 127.0.1.x. One source address has only some 28,000 ports, and a port that closed first waits:
 * so clients that open many connections take their addresses in turn. The port is chosen at connect(). */
static inline int socket_from(uint32_t turn, int flags) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), on = 1;
    if (fd < 0) fail("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct sockaddr_in source = loopback(0x100 + 1 + turn % 64, 0);
    if (bind(fd, (struct sockaddr *)&source, sizeof source)) fail("bind");
    return fd;
}

/* Closing then sends RST, and leaves no port waiting. */
static inline void close_with_reset(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static inline void connect_to(int fd, int port) {
    struct sockaddr_in server = server_address(port);
    if (connect(fd, (struct sockaddr *)&server, sizeof server)) fail("connect");
}

/* Reads `size` bytes; 0 when the peer ended before. */
static inline int read_fully(int fd, char *buffer, size_t size) {
    for (size_t got = 0; got < size;) {
        ssize_t n = recv(fd, buffer + got, size - got, 0);
        if (n <= 0) return 0;
        got += (size_t)n;
    }
    return 1;
}

/* A histogram of nanoseconds: powers of two, each cut into 128 (under 0.8 % error). */
enum { CUTS_BITS = 7, BUCKETS = (64 - CUTS_BITS) << CUTS_BITS };

struct histogram {
    uint64_t count, max;
    uint32_t buckets[BUCKETS];
};

static inline void record(struct histogram *h, uint64_t ns) {
    int shift = 63 - __builtin_clzll(ns | (1u << CUTS_BITS)) - CUTS_BITS;
    h->buckets[((uint32_t)shift << CUTS_BITS) + (uint32_t)(ns >> shift)]++;
    h->count++;
    if (ns > h->max) h->max = ns;
}

static inline double quantile_us(const struct histogram *h, double q) {
    uint64_t wanted = (uint64_t)(q * (double)h->count), seen = 0;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen <= wanted) continue;
        if (i < (2u << CUTS_BITS)) return i / 1e3;
        uint32_t shift = (i >> CUTS_BITS) - 1;
        return (double)((uint64_t)(i - (shift << CUTS_BITS)) << shift) / 1e3;
    }
    return (double)h->max / 1e3;
}

static inline void add(struct histogram *into, const struct histogram *from) {
    into->count += from->count;
    if (from->max > into->max) into->max = from->max;
    for (int i = 0; i < BUCKETS; i++) into->buckets[i] += from->buckets[i];
}

#endif
