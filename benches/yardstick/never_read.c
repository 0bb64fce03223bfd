/* never_read PORT BYTES: sends that many bytes to an echo server, and never reads one.
 *
 * A server that holds back stops reading in its turn, so sending stalls: after 1 s without progress it prints
 * `{"sent": N}` and holds the connection until stdin ends. */
#include "yardstick.h"

enum { CHUNK = 1 << 18 };

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    static char chunk[CHUNK];
    long long wanted = atoll(argv[2]), sent = 0;
    int fd = socket_from(0, 0);
    close_with_reset(fd);
    connect_to(fd, atoi(argv[1]));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    memset(chunk, 'x', sizeof chunk);
    while (sent < wanted) {
        struct pollfd writable = {.fd = fd, .events = POLLOUT};
        if (poll(&writable, 1, 1000) <= 0) break;
        size_t size = wanted - sent < CHUNK ? (size_t)(wanted - sent) : CHUNK;
        ssize_t n = send(fd, chunk, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) fail("send");
        if (n > 0) sent += n;
    }
    printf("{\"sent\": %lld}\n", sent);
    fflush(stdout);
    while (read(STDIN_FILENO, chunk, sizeof chunk) > 0) continue;
}
