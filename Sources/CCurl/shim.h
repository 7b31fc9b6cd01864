// libcurl: HTTP/1.1 over a unix socket, by its multi interface.
#ifndef BERTH_CCURL_SHIM_H
#define BERTH_CCURL_SHIM_H
// Its macros would check the types of variadic arguments; the functions below have types.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

// What follows are variadic functions, which Swift does not see, and a union.

typedef size_t (*berth_curl_write_callback)(char *bytes, size_t size, size_t count, void *user);
typedef int (*berth_curl_socket_callback)(CURL *easy, curl_socket_t socket, int what, void *user,
                                          void *assigned);
typedef int (*berth_curl_timer_callback)(CURLM *multi, long milliseconds, void *user);

static inline CURLcode berth_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode berth_curl_set_size(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}
// libcurl copies the text.
static inline CURLcode berth_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
// The bytes and the list stay the caller's, and must outlive the transfer.
static inline CURLcode berth_curl_set_post_bytes(CURL *easy, const void *bytes) {
    return curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bytes);
}
static inline CURLcode berth_curl_set_headers(CURL *easy, struct curl_slist *headers) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}
static inline CURLcode berth_curl_set_callbacks(CURL *easy, berth_curl_write_callback body,
                                                berth_curl_write_callback header, void *user) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, user);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, user);
    return code;
}
static inline CURLMcode berth_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode berth_curl_multi_set_callbacks(CURLM *multi,
                                                       berth_curl_socket_callback socket,
                                                       berth_curl_timer_callback timer,
                                                       void *user) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket);
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, user);
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer);
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_TIMERDATA, user);
    return code;
}
static inline long berth_curl_status(CURL *easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}
static inline long berth_curl_system_error(CURL *easy) {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &code);
    return code;
}
// NULL when the answer named none; libcurl's until the next transfer of this handle.
static inline const char *berth_curl_content_type(CURL *easy) {
    const char *type = NULL;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    return type;
}
static inline CURLcode berth_curl_message_result(const CURLMsg *message) {
    return message->data.result;
}
#endif
