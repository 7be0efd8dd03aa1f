/*
 * log: one line a fact, to one descriptor, as JSON (ECS names) or text. The core never logs.
 *
 * An event name comes from a fixed vocabulary ("payout.settled"), fields are typed, and nothing
 * secret has a printer: there is no field function that takes a `struct secret`. A last filter
 * blanks every run of digits that could be a card number and counts it (docs/PROTOCOL.md I13).
 */
#ifndef PAYOUTD_ADAPTER_LOG_H
#define PAYOUTD_ADAPTER_LOG_H

#include "payoutd/base/bytes.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_INT };
struct log_field {
    const char *name; /* ECS: "labels.order_id", "error.code", "event.outcome" ... */
    enum log_field_kind kind;
    struct bytes text;
    int64_t number;
};
#define LOG_TEXT(name, value)  ((struct log_field){(name), LOG_FIELD_TEXT, bytes_of(value), 0})
#define LOG_BYTES(name, value) ((struct log_field){(name), LOG_FIELD_TEXT, (value), 0})
#define LOG_INT(name, value)   ((struct log_field){(name), LOG_FIELD_INT, BYTES_NONE, (value)})

/* Process-wide, set once by main before any thread starts. `service` e.g. "payoutd". */
void log_setup(int fd, enum log_format format, enum log_level level, const char *service,
               const char *version);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* `action` = event.action. Any thread; one write(2) a line, cut at 8 KiB. */
void log_event(enum log_level level, const char *action, const char *message,
               const struct log_field *fields, size_t count);
#define LOG(level, action, message, ...)                                             \
    log_event((level), (action), (message), (const struct log_field[]){__VA_ARGS__}, \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
/* Without fields. */
void log_plain(enum log_level level, const char *action, const char *message);
/* How many card-like digit runs the filter has blanked since the start. */
int64_t log_redactions(void);

#endif
