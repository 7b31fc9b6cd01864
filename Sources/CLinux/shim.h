// epoll, eventfd and signalfd: absent from the Glibc overlay, so imported here.
#ifndef BERTH_CLINUX_SHIM_H
#define BERTH_CLINUX_SHIM_H
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <signal.h>
#endif
