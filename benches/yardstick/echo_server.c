/* echo_server PORT: one thread, one epoll, and nothing else. The yardstick for `serve-tcp -P echo`.
 *
 * Port 0 is chosen by the system; the first line on stderr is `listening on tcp 127.0.0.1:PORT`. */
#include "yardstick.h"

enum { EVENTS = 512, CHUNK = 65536 };

static void accept_all(int listener, int epoll) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0) return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) close(fd);
    }
}

/* All of it, or 0. A full socket is waited for: good enough for yardsticks whose clients read. */
static int send_fully(int fd, const char *bytes, ssize_t size) {
    for (ssize_t sent = 0; sent < size;) {
        ssize_t n = send(fd, bytes + sent, (size_t)(size - sent), MSG_NOSIGNAL);
        if (n >= 0) {
            sent += n;
        } else if (errno == EAGAIN) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            if (poll(&writable, 1, 1000) <= 0) return 0;
        } else {
            return 0;
        }
    }
    return 1;
}

static void answer(int fd) {
    static char chunk[CHUNK];
    ssize_t n = recv(fd, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0 || !send_fully(fd, chunk, n)) close(fd);
}

int main(int argc, char **argv) {
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = server_address(argc > 1 ? atoi(argv[1]) : 0);
    socklen_t length = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    fprintf(stderr, "listening on tcp 127.0.0.1:%d\n", ntohs(address.sin_port));

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener) accept_all(listener, epoll);
            else answer(events[i].data.fd);
        }
    }
}
