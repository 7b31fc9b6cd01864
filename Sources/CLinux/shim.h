// epoll, eventfd, signalfd and renameat2: absent from the Glibc overlay, so imported here.
#ifndef BERTH_CLINUX_SHIM_H
#define BERTH_CLINUX_SHIM_H
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <signal.h>
#include <unistd.h>
// sched_getaffinity is hidden by the feature macros that the overlay is built with, and syscall is
// variadic. The number of processors that this process may run on; 0 when it cannot be read.
static inline int berth_processors_allowed(void) {
    unsigned char mask[1024];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int count = 0;
    for (long i = 0; i < bytes; i++) count += __builtin_popcount(mask[i]);
    return count;
}
// Exchanges two paths by one step (renameat2, which the overlay hides too); -1 and errno when it failed.
static inline int berth_exchange_paths(const char *one, const char *other) {
    return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 1 << 1 /* RENAME_EXCHANGE */);
}
#endif
