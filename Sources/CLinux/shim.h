// epoll, eventfd and signalfd: absent from the Glibc overlay, so imported here.
#ifndef BERTH_CLINUX_SHIM_H
#define BERTH_CLINUX_SHIM_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <signal.h>
// CPU_COUNT is a macro. Zero when the mask cannot be read.
static inline int berth_processors_allowed(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}
#endif
