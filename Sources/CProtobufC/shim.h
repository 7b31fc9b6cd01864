// protobuf-c: message and service descriptors, pack and unpack.
#ifndef BERTH_CPROTOBUFC_SHIM_H
#define BERTH_CPROTOBUFC_SHIM_H
#include <protobuf-c/protobuf-c.h>
#endif
