/* hold PORT COUNT: that many connections, one 64-byte echo on each, then held idle until stdin ends.
 *
 * Prints `{"holding": COUNT}` once all have been answered: then the server's memory can be read. */
#include "yardstick.h"

enum { SIZE = 64 };

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]);
    char message[SIZE];
    memset(message, 'x', sizeof message);
    for (int i = 0; i < count; i++) {
        int fd = socket_from((uint32_t)i, 0);
        close_with_reset(fd);
        connect_to(fd, port);
        if (send(fd, message, SIZE, MSG_NOSIGNAL) != SIZE) fail("send");
        if (!read_fully(fd, message, SIZE)) fail("the server ended a connection");
    }
    printf("{\"holding\": %d}\n", count);
    fflush(stdout);
    while (read(STDIN_FILENO, message, sizeof message) > 0) continue;
}
