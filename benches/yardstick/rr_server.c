/* rr_server tcp|udp: an echo server that waits in the read itself: the least between two round trips.
 *
 * Over TCP one connection after another. The first line on stderr is `listening on PROTOCOL 127.0.0.1:PORT`. */
#include "yardstick.h"

static char chunk[65536];

static void serve_stream(int listener) {
    for (int fd, on = 1; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd)) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        for (ssize_t n; (n = recv(fd, chunk, sizeof chunk, 0)) > 0;) {
            if (send(fd, chunk, (size_t)n, MSG_NOSIGNAL) != n) break;
        }
    }
}

static void serve_datagrams(int fd) {
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        ssize_t n = recvfrom(fd, chunk, sizeof chunk, 0, (struct sockaddr *)&peer, &length);
        if (n >= 0) sendto(fd, chunk, (size_t)n, 0, (struct sockaddr *)&peer, length);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int datagrams = strcmp(argv[1], "udp") == 0;
    int fd = socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = server_address(0);
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, length) || (!datagrams && listen(fd, 16))) fail("listen");
    getsockname(fd, (struct sockaddr *)&address, &length);
    fprintf(stderr, "listening on %s 127.0.0.1:%d\n", argv[1], ntohs(address.sin_port));
    if (datagrams) serve_datagrams(fd);
    else serve_stream(fd);
}
