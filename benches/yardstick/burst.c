/* burst PORT COUNT: that many connections at once, one 64-byte echo on each; how long until the slowest was answered.
 *
 * All connects start before the first answer is read. Whoever is not answered after 10 s is counted as unanswered. */
#include "yardstick.h"

enum { SIZE = 64, EVENTS = 512 };

struct connection {
    int fd, asked;
    size_t got;
};

static int epoll, port, answered, failed;
static char message[SIZE];

static void finish(struct connection *c, int *tally) {
    close(c->fd);
    c->fd = -1;
    ++*tally;
}

static void begin(struct connection *c, uint32_t turn) {
    struct sockaddr_in server = server_address(port);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    c->fd = socket_from(turn, SOCK_NONBLOCK);
    close_with_reset(c->fd);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) {
        finish(c, &failed);
    } else if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event)) {
        fail("epoll_ctl");
    }
}

/* Connected: ask. Readable: take the answer. */
static void step(struct connection *c, uint32_t events) {
    char answer[SIZE];
    if (!c->asked) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (send(c->fd, message, SIZE, MSG_NOSIGNAL) != SIZE) {
            finish(c, &failed);
            return;
        }
        c->asked = 1;
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    } else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(c->fd, answer, SIZE - c->got, 0);
        if (n <= 0) {
            if (n == 0 || errno != EAGAIN) finish(c, &failed);
            return;
        }
        c->got += (size_t)n;
        if (c->got == SIZE) finish(c, &answered);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int count = atoi(argv[2]);
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    struct epoll_event events[EVENTS];
    port = atoi(argv[1]);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    memset(message, 'x', sizeof message);
    uint64_t start = now_ns(), last = start;
    for (int i = 0; i < count; i++) begin(&connections[i], (uint32_t)i);
    while (answered + failed < count && now_ns() - start < 10000000000ull) {
        int before = answered, ready = epoll_wait(epoll, events, EVENTS, 100);
        for (int i = 0; i < ready; i++) step(events[i].data.ptr, events[i].events);
        if (answered > before) last = now_ns();
    }
    printf("{\"slowest_ms\": %.2f, \"answered\": %d, \"failed\": %d, \"unanswered\": %d}\n", (double)(last - start) / 1e6,
           answered, failed, count - answered - failed);
}
