/* churn PORT THREADS SECONDS [fin|rst]: connect, one 64-byte echo, close; again and again, from addresses 127.0.1.x in turn.
 *
 * `fin` (the default) closes as everyone does, `rst` with a reset. */
#include "yardstick.h"

#include <pthread.h>

enum { SIZE = 64, MOST_THREADS = 64 };

struct worker {
    pthread_t thread;
    uint32_t id;
    uint64_t done, failed;
    struct histogram latency;
};

static int port, with_reset;
static uint64_t end;

/* 1 when the server answered. */
static int once(uint32_t turn) {
    char message[SIZE];
    struct sockaddr_in server = server_address(port);
    int fd = socket_from(turn, 0);
    memset(message, 'x', sizeof message);
    int answered = connect(fd, (struct sockaddr *)&server, sizeof server) == 0 &&
                   send(fd, message, sizeof message, MSG_NOSIGNAL) == SIZE && read_fully(fd, message, sizeof message);
    if (with_reset) close_with_reset(fd);
    close(fd);
    return answered;
}

static void *work(void *argument) {
    struct worker *w = argument;
    for (uint32_t turn = w->id; now_ns() < end; turn++) {
        uint64_t start = now_ns();
        if (once(turn)) {
            record(&w->latency, now_ns() - start);
            w->done++;
        } else {
            w->failed++;
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 4 || atoi(argv[2]) < 1 || atoi(argv[2]) > MOST_THREADS) return 2;
    static struct worker workers[MOST_THREADS];
    static struct histogram latency;
    int threads = atoi(argv[2]);
    port = atoi(argv[1]);
    with_reset = argc > 4 && strcmp(argv[4], "rst") == 0;
    uint64_t start = now_ns(), done = 0, failed = 0;
    end = start + (uint64_t)(atof(argv[3]) * 1e9);
    for (int i = 0; i < threads; i++) {
        workers[i].id = (uint32_t)i * 16;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) fail("pthread_create");
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        done += workers[i].done;
        failed += workers[i].failed;
        add(&latency, &workers[i].latency);
    }
    printf("{\"connections_per_second\": %.1f, \"failed\": %lu, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           (double)done / ((double)(now_ns() - start) / 1e9), failed, quantile_us(&latency, 0.5),
           quantile_us(&latency, 0.99));
}
