// libpq: the PostgreSQL client library, used non-blocking and in pipeline mode.
#ifndef BERTH_CLIBPQ_SHIM_H
#define BERTH_CLIBPQ_SHIM_H
#include <libpq-fe.h>
#endif
