/* deliver DIR THREADS SECONDS SIZE: the least that delivers to a Maildir. Each thread writes a file of SIZE bytes under DIR/tmp,
 * fsyncs it, renames it into DIR/new and fsyncs that folder, one after the other. The yardstick for `-p maildir=`. */
#include "yardstick.h"

#include <pthread.h>
#include <sys/stat.h>

static char text[1 << 20];
static size_t size;
static uint64_t until;
static int tmp_folder, new_folder;

static int folder(const char *path, const char *name) {
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", path, name);
    mkdir(whole, 0700);
    int fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) fail(whole);
    return fd;
}

static void *deliver(void *arg) {
    uint64_t thread = (uint64_t)(uintptr_t)arg, done = 0;
    char name[64];
    for (; now_ns() < until; done++) {
        snprintf(name, sizeof name, "%d.%lu.%lu", getpid(), (unsigned long)thread, (unsigned long)done);
        int fd = openat(tmp_folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, text, size) != (ssize_t)size || fsync(fd)) fail(name);
        close(fd);
        if (renameat(tmp_folder, name, new_folder, name) || fsync(new_folder)) fail(name);
    }
    return (void *)(uintptr_t)done;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int threads = atoi(argv[2]);
    double seconds = atof(argv[3]);
    size = (size_t)atol(argv[4]);
    if (threads < 1 || threads > 64 || seconds > 60 || size > sizeof text) return 2;
    memset(text, 'x', size);
    tmp_folder = folder(argv[1], "tmp");
    new_folder = folder(argv[1], "new");
    uint64_t start = now_ns(), done = 0;
    until = start + (uint64_t)(seconds * 1e9);
    pthread_t all[64];
    for (int i = 0; i < threads; i++)
        if (pthread_create(&all[i], NULL, deliver, (void *)(uintptr_t)i)) fail("pthread_create");
    for (int i = 0; i < threads; i++) {
        void *one;
        pthread_join(all[i], &one);
        done += (uint64_t)(uintptr_t)one;
    }
    printf("{\"requests_per_second\": %.1f}\n", (double)done / ((double)(now_ns() - start) / 1e9));
    return 0;
}
