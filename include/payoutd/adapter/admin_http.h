/*
 * admin_http: /livez /readyz /startupz /metrics /version on their own port (docs/OPERATIONS.md).
 *
 * libmicrohttpd with its own epoll descriptor inside the loop: no thread. The answers are made by
 * the caller's function at the moment they are asked for.
 */
#ifndef PAYOUTD_ADAPTER_ADMIN_HTTP_H
#define PAYOUTD_ADAPTER_ADMIN_HTTP_H

#include "payoutd/adapter/loop.h"
#include "payoutd/base/bytes.h"

struct admin_http;

struct admin_reply {
    int32_t http_status;
    const char *content_type;
    struct buffer body; /* room for ADMIN_BODY_MAX bytes; written by the handler */
};
enum { ADMIN_BODY_MAX = 256 * 1024 };

/* `path` without the query; `verbose` = ?verbose was given. Sets the reply; 404 when it knows no
 * such path. */
typedef void admin_http_answer(void *context, const char *path, bool verbose,
                               struct admin_reply *reply);

/* `listen` is "address:port", "[v6]:port" or ":port"; port 0 takes a free one. */
MUST_USE enum status admin_http_new(struct loop *loop, const char *listen,
                                    admin_http_answer *answer, void *context,
                                    struct admin_http **ret_admin, char *ret_why, size_t why_max);
uint16_t admin_http_port(const struct admin_http *admin);
void admin_http_free(struct admin_http *admin);

#endif
