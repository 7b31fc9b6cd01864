// libnghttp2: HTTP/2 framing, HPACK and flow control.
#ifndef BERTH_CNGHTTP2_SHIM_H
#define BERTH_CNGHTTP2_SHIM_H
#include <nghttp2/nghttp2.h>
#endif
