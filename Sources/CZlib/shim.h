// zlib: the gzip message encoding.
#ifndef BERTH_CZLIB_SHIM_H
#define BERTH_CZLIB_SHIM_H
#include <zlib.h>
// deflateInit2 and inflateInit2 are macros over a versioned function.
static inline int berth_deflate_init_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
static inline int berth_inflate_init_gzip(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}
#endif
