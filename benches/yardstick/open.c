/* open PORT CONNECTIONS RATE SECONDS: open loop, one thread, one epoll. 64-byte requests leave when they are due, whatever is still
 * unanswered, on the connections in turn; latency counts from when each was due.
 *
 * The yardstick for `bench tcp -r`. */
#include "yardstick.h"

#include <sys/prctl.h>
#include <sys/resource.h>

enum { SIZE = 64, EVENTS = 512, CHUNK = 65536, MOST_WAITING = 1 << 14 };

struct connection {
    int fd;
    size_t got;
    /* What is on its way, in order: when each was due. */
    uint64_t due[MOST_WAITING], sent, answered;
};

static struct histogram latency, lag;
static char request[SIZE], chunk[CHUNK];

static void answer(struct connection *c) {
    ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("the server ended a connection");
    uint64_t now = now_ns();
    for (c->got += (size_t)n; c->got >= SIZE; c->got -= SIZE) record(&latency, now - c->due[c->answered++ % MOST_WAITING]);
}

static void ask(struct connection *c, uint64_t due) {
    if (c->sent - c->answered == MOST_WAITING) fail("too many on their way");
    record(&lag, now_ns() - due);
    c->due[c->sent++ % MOST_WAITING] = due;
    if (send(c->fd, request, SIZE, MSG_NOSIGNAL) != SIZE) fail("send");
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]), epoll = epoll_create1(EPOLL_CLOEXEC);
    double rate = atof(argv[3]), seconds = atof(argv[4]);
    uint64_t all = (uint64_t)(rate * seconds), asked = 0;
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
    memset(request, 'x', sizeof request);
    prctl(PR_SET_TIMERSLACK, 1);
    for (int i = 0; i < count; i++) {
        connections[i].fd = socket_from((uint32_t)i, 0);
        connect_to(connections[i].fd, port);
        close_with_reset(connections[i].fd);
        event.data.ptr = &connections[i];
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    uint64_t start = now_ns() + 1000000, end = start + (uint64_t)(seconds * 1e9), now;
    /* A second for the last answers. */
    while ((now = now_ns()) < end + 1000000000ull && latency.count < all) {
        uint64_t due = end + 1000000000ull;
        while (asked < all && (due = start + (uint64_t)((double)asked / rate * 1e9)) <= now_ns()) {
            ask(&connections[asked % (uint64_t)count], due);
            asked++;
        }
        now = now_ns();
        uint64_t wait = asked < all && due > now ? due - now : asked < all ? 0 : 1000000;
        struct timespec pause = {.tv_sec = (time_t)(wait / 1000000000ull), .tv_nsec = (long)(wait % 1000000000ull)};
        int ready = epoll_pwait2(epoll, events, EVENTS, &pause, NULL);
        for (int i = 0; i < ready; i++) answer(events[i].data.ptr);
    }
    printf("{\"p50_us\": %.1f, \"p99_us\": %.1f, \"lag_p50_us\": %.1f, \"cpu_percent\": %.2f, \"requests_per_second\": %.1f}\n",
           quantile_us(&latency, 0.5), quantile_us(&latency, 0.99), quantile_us(&lag, 0.5), 100 * cpu_seconds() / seconds,
           (double)latency.count / seconds);
}
