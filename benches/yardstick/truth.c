/* truth tcp|udp KIND [A [B]]: an echo server that does what is known, and tells what it did.
 *
 * KIND is what happens to each 64-byte request:
 *   constant A        answered A us after it was read
 *   bimodal A B       after A us, one of eight by chance after B us
 *   exponential A     after an exponentially distributed time of mean A us
 *   stall A B         at once, but the server stands still for B ms at the middle of each A ms, and reads nothing meanwhile
 *   pattern           of ten datagrams the 3rd is not answered, the 5th twice, the 7th wrongly, the 9th after the 10th
 *   damage A          at once, each A-th with one bit changed
 *
 * The first line on stderr is `listening on PROTOCOL 0.0.0.0:PORT`. When stdin ends it prints what it did: counts, and how long
 * requests were with it, from when the kernel had them (SO_TIMESTAMPNS) to when the answer had been written. Over TCP one read
 * has one time, so there a connection may have one request on its way. */
#include "yardstick.h"

#include <math.h>
#include <sys/prctl.h>

enum { SIZE = 64, EVENTS = 256, MOST_FDS = 4096, MOST_WAITING = 1 << 16, MOST_KEPT = 1 << 22 };
/* A wake-up takes some tens of us: this long before an answer is due, the clock is watched. */
enum { WATCHED_NS = 100000 };

struct waiting {
    uint64_t due, arrived;
    int fd;
    struct sockaddr_in peer;
    char message[SIZE];
};

static struct waiting *heap[MOST_WAITING];
static size_t waits, got[MOST_FDS];
static char partial[MOST_FDS][SIZE];
static uint64_t kept[MOST_KEPT], requests, answers, lost, doubled, damaged, swapped, last_answer, started, state = 88172645463325252ull;
static struct waiting *held;
static int datagrams;
static const char *kind;
static double a, b;

static uint64_t real_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* Uniform in (0, 1): xorshift. */
static double chance(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static int is(const char *name) { return strcmp(kind, name) == 0; }

static double delay_us(void) {
    if (is("constant")) return a;
    if (is("bimodal")) return chance() < 0.125 ? b : a;
    if (is("exponential")) return -a * log(chance());
    return 0;
}

static void put(struct waiting *w) {
    size_t at = waits++;
    if (waits > MOST_WAITING) exit(3);
    for (; at && heap[(at - 1) / 2]->due > w->due; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = w;
}

static struct waiting *take(void) {
    struct waiting *first = heap[0], *last = heap[--waits];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < waits; at = child) {
        if (child + 1 < waits && heap[child + 1]->due < heap[child]->due) child++;
        if (heap[child]->due >= last->due) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

static void send_back(const struct waiting *w) {
    socklen_t length = datagrams ? sizeof w->peer : 0;
    /* What can't leave was no answer. */
    if (sendto(w->fd, w->message, SIZE, MSG_NOSIGNAL, datagrams ? (const struct sockaddr *)&w->peer : NULL, length) != SIZE) return;
    last_answer = now_ns();
    if (answers < MOST_KEPT) kept[answers] = real_ns() - w->arrived;
    answers++;
}

/* The n-th datagram of ten, by the pattern. */
static void by_pattern(struct waiting *w, uint64_t n) {
    if (n % 10 == 2) {
        lost++;
    } else if (n % 10 == 8) {
        swapped++;
        held = w;
        return;
    } else {
        w->message[SIZE - 1] ^= n % 10 == 6 ? 0x40 : 0;
        damaged += n % 10 == 6;
        send_back(w);
        if (n % 10 == 4) {
            sendto(w->fd, w->message, SIZE, 0, (struct sockaddr *)&w->peer, sizeof w->peer);
            doubled++;
        }
        if (held) {
            send_back(held);
            free(held);
            held = NULL;
        }
    }
    free(w);
}

static void came(struct waiting *w) {
    uint64_t n = requests++;
    if (is("pattern")) {
        by_pattern(w, n);
        return;
    }
    if (is("damage") && requests % (uint64_t)a == 0) {
        w->message[SIZE / 2] ^= 0x40;
        damaged++;
    }
    w->due = now_ns() + (uint64_t)(delay_us() * 1e3);
    put(w);
}

/* When the kernel had it. */
static uint64_t arrival(struct msghdr *message) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
        }
    }
    return real_ns();
}

/* 0 when there is nothing more to read now. */
static int read_one(int fd) {
    char control[256];
    struct waiting *w = calloc(1, sizeof *w);
    size_t had = datagrams ? 0 : got[fd];
    struct iovec piece = {.iov_base = datagrams ? w->message : partial[fd] + had, .iov_len = SIZE - had};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (datagrams) message.msg_name = &w->peer, message.msg_namelen = sizeof w->peer;
    ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
    w->arrived = arrival(&message);
    w->fd = fd;
    if (n > 0 && (datagrams || had + (size_t)n == SIZE)) {
        if (!datagrams) memcpy(w->message, partial[fd], SIZE);
        got[fd] = 0;
        came(w);
        return 1;
    }
    free(w);
    if (n > 0) got[fd] += (size_t)n;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != ECONNREFUSED)) close(fd);
    return n > 0;
}

static int opened(int type) {
    int on = 1, fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), room = 4 << 20;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (bind(fd, (struct sockaddr *)&address, length)) fail("bind");
    if (type == SOCK_STREAM && listen(fd, 4096)) fail("listen");
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    getsockname(fd, (struct sockaddr *)&address, &length);
    fprintf(stderr, "listening on %s 0.0.0.0:%d\n", datagrams ? "udp" : "tcp", ntohs(address.sin_port));
    return fd;
}

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(int epoll, int listener) {
    for (int fd, on = 1; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if (fd >= MOST_FDS) exit(3);
        got[fd] = 0;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        watch(epoll, fd);
    }
}

/* Stands still where it should: `b` ms at the middle of each `a` ms since the first request. */
static void stand_still(void) {
    static uint64_t turn;
    if (!is("stall") || !requests) return;
    if (!started) started = now_ns();
    uint64_t due = started + (uint64_t)((a / 2 + a * (double)turn) * 1e6), end = due + (uint64_t)(b * 1e6);
    if (now_ns() < due) return;
    turn++;
    struct timespec until = {.tv_sec = (time_t)(end / 1000000000ull), .tv_nsec = (long)(end % 1000000000ull)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* How long to wait for events: until shortly before something is due, 1 ms at most. */
static struct timespec pause_of(void) {
    uint64_t now = now_ns(), ns = 1000000;
    if (waits) ns = heap[0]->due > now + WATCHED_NS ? heap[0]->due - now - WATCHED_NS : 0;
    if (ns > 1000000) ns = 1000000;
    return (struct timespec){.tv_nsec = (long)ns};
}

static int ascending(const void *x, const void *y) {
    uint64_t one = *(const uint64_t *)x, other = *(const uint64_t *)y;
    return one < other ? -1 : one > other;
}

/* The least that a share `q` does not exceed. */
static double of_kept(double q, uint64_t count) {
    uint64_t rank = (uint64_t)ceil(q * (double)count);
    return count ? (double)kept[rank ? rank - 1 : 0] / 1e3 : 0;
}

static void tell(void) {
    uint64_t count = answers < MOST_KEPT ? answers : MOST_KEPT;
    qsort(kept, count, sizeof *kept, ascending);
    printf("{\"requests\": %lu, \"answers\": %lu, \"lost\": %lu, \"duplicated\": %lu, \"damaged\": %lu, \"swapped\": %lu, "
           "\"last_answer_ns\": %lu, \"p50\": %.3f, \"p75\": %.3f, \"p90\": %.3f, \"p95\": %.3f, \"p99\": %.3f, \"max\": %.3f}\n",
           requests, answers, lost, doubled, damaged, swapped, last_answer, of_kept(0.5, count), of_kept(0.75, count),
           of_kept(0.9, count), of_kept(0.95, count), of_kept(0.99, count), of_kept(1, count));
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    datagrams = strcmp(argv[1], "udp") == 0;
    kind = argv[2];
    a = argc > 3 ? atof(argv[3]) : 0;
    b = argc > 4 ? atof(argv[4]) : 0;
    prctl(PR_SET_TIMERSLACK, 1);
    int epoll = epoll_create1(EPOLL_CLOEXEC), main_fd = opened(datagrams ? SOCK_DGRAM : SOCK_STREAM);
    struct epoll_event events[EVENTS];
    watch(epoll, main_fd);
    watch(epoll, STDIN_FILENO);
    for (;;) {
        struct timespec pause = pause_of();
        int ready = epoll_pwait2(epoll, events, EVENTS, &pause, NULL);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == STDIN_FILENO) {
                tell();
                return 0;
            }
            if (fd == main_fd && !datagrams) accept_all(epoll, fd);
            else while (read_one(fd)) continue;
        }
        stand_still();
        while (waits && heap[0]->due <= now_ns()) {
            struct waiting *w = take();
            send_back(w);
            free(w);
        }
    }
}
