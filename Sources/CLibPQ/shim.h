// libpq: the PostgreSQL client library, used non-blocking and in pipeline mode.
#ifndef BERTH_CLIBPQ_SHIM_H
#define BERTH_CLIBPQ_SHIM_H
#include <libpq-fe.h>
// The fields of an error are character macros, which Swift does not import. Only those that never
// hold a value of the statement: DETAIL, HINT, CONTEXT and the query text are left out on purpose.
enum {
    BERTH_DIAG_SEVERITY = PG_DIAG_SEVERITY_NONLOCALIZED,
    BERTH_DIAG_SQLSTATE = PG_DIAG_SQLSTATE,
    BERTH_DIAG_MESSAGE_PRIMARY = PG_DIAG_MESSAGE_PRIMARY,
    BERTH_DIAG_TABLE_NAME = PG_DIAG_TABLE_NAME,
    BERTH_DIAG_COLUMN_NAME = PG_DIAG_COLUMN_NAME,
    BERTH_DIAG_CONSTRAINT_NAME = PG_DIAG_CONSTRAINT_NAME,
    BERTH_DIAG_SOURCE_FUNCTION = PG_DIAG_SOURCE_FUNCTION,
};
#endif
