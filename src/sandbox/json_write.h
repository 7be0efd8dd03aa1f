/* json_write: pieces of JSON for the admin pages and the ledger's file. */
#ifndef SANDBOX_JSON_WRITE_H
#define SANDBOX_JSON_WRITE_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>

struct json_writer {
    struct evbuffer *out; /* borrowed */
    bool needs_comma;
};

void json_open(struct json_writer *json, const char *name, char bracket); /* name NULL: none */
void json_close(struct json_writer *json, char bracket);
void json_put_text(struct json_writer *json, const char *name, const char *value);
void json_put_number(struct json_writer *json, const char *name, int64_t value);
void json_put_bool(struct json_writer *json, const char *name, bool value);
/* Hundredths as a decimal string: amounts are never JSON numbers. */
void json_put_amount(struct json_writer *json, const char *name, int64_t minor);
/* Unix milliseconds as RFC 3339 with a Z. */
void json_put_time(struct json_writer *json, const char *name, int64_t wall_ms);

#endif
