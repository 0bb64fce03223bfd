/* ping PORT CONNECTIONS SIZE SECONDS [udp]: closed loop, one thread, one epoll; each answer is followed by the next request.
 *
 * The yardstick for `bench tcp` and `bench udp`. The first 0.2 s are not counted, but for what CPU time a request takes. */
#include "yardstick.h"

#include <sys/resource.h>

enum { EVENTS = 512, CHUNK = 65536 };

struct connection {
    int fd;
    size_t got;
    uint64_t sent_at;
};

static char request[CHUNK], chunk[CHUNK];
static struct histogram latency;
static uint64_t answered;

/* One readable connection; when its answer is whole, the next request leaves. */
static void step(struct connection *c, size_t size, int counted) {
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("the server ended a connection");
    c->got += (size_t)n;
    if (c->got < size) return;
    uint64_t now = now_ns();
    answered++;
    if (counted) record(&latency, now - c->sent_at);
    c->got = 0;
    c->sent_at = now;
    if (send(c->fd, request, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
}

static int datagram_socket(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    return fd;
}

static double cpu_us(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]), epoll = epoll_create1(EPOLL_CLOEXEC);
    size_t size = (size_t)atoi(argv[3]);
    if (size == 0 || size > CHUNK) return 2;
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
    memset(request, 'x', sizeof request);
    for (int i = 0; i < count; i++) {
        connections[i].fd = argc > 5 ? datagram_socket() : socket_from((uint32_t)i, 0);
        connect_to(connections[i].fd, port);
        close_with_reset(connections[i].fd);
        fcntl(connections[i].fd, F_SETFL, O_NONBLOCK);
        event.data.ptr = &connections[i];
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }

    uint64_t counted_from = now_ns() + 200000000ull, end = counted_from + (uint64_t)(atof(argv[4]) * 1e9), now;
    for (int i = 0; i < count; i++) {
        connections[i].sent_at = now_ns();
        if (send(connections[i].fd, request, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
    }
    while ((now = now_ns()) < end) {
        int ready = epoll_wait(epoll, events, EVENTS, 100);
        for (int i = 0; i < ready; i++) step(events[i].data.ptr, size, now >= counted_from);
    }
    printf("{\"requests_per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"cpu_us_each\": %.3f}\n",
           (double)latency.count / ((double)(now - counted_from) / 1e9), quantile_us(&latency, 0.5),
           quantile_us(&latency, 0.99), (double)latency.max / 1e3, cpu_us() / (double)answered);
}
