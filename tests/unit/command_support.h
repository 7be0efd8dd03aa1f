/* command_support: a command in pieces, the rules it is read under, and what decoding it gave. */
#ifndef PAYOUTD_TESTS_COMMAND_SUPPORT_H
#define PAYOUTD_TESTS_COMMAND_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payoutd/codec/command_json.h"

#define TYPE "kz.example.payout.requested.v1"
#define PAN  "4671593866478252"
#define JWE \
    "eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.c2VjcmV0LWtleQ.aXYtMTIzNDU2Nzg.Y2lwaGVydGV4dA.dGFnLXRhZy10YWc"
#define CARD \
    "\"destination\":{\"type\":\"card\",\"pan\":\"" PAN "\",\"cardholder_name\":\"JOHN DOE\"}"
#define TOKEN \
    "\"destination\":{\"type\":\"card_token\",\"token\":\"0b7c1d2e-1111-4222-8333-444455556666\"}"
#define IBAN                                                                                   \
    "\"destination\":{\"type\":\"iban\",\"iban\":\"KZ86125KZT5004100100\",\"recipient_name\":" \
    "\"ТОО Ромашка\","                                                               \
    "\"recipient_iin\":\"850101300123\",\"kbe\":\"19\",\"knp\":\"119\",\"bic\":\"KZZSAE\"}"
#define AMOUNT "\"amount\":{\"value\":\"1000.50\",\"currency\":\"KZT\"}"
#define ID     "\"order_id\":\"ORD-1\""
#define TEXT   "\"description\":\"Payout\""
#define WHOLE  ID "," AMOUNT "," TEXT "," CARD

static const struct bytes currencies[] = {{"KZT", 3}, {"USD", 3}};
static const struct bytes hosts[] = {{"shop.example", 12}};
static struct command_rules rules;
static char arena_data[64 * 1024];
static struct arena arena;
static struct command command;
static struct event_context context;
static struct command_fault fault;

static inline int set_up(void **state)
{
    (void) state;
    rules = (struct command_rules){
        .allow_plaintext_pan = true,
        .accept_bare_json = true,
        .accepted_type = BYTES(TYPE),
        .currencies = currencies,
        .currencies_count = 2,
        .post_link_hosts = hosts,
        .post_link_hosts_count = 1,
        .fingerprint_key = BYTES("0123456789abcdef0123456789abcdef"),
    };
    arena_init(&arena, arena_data, sizeof arena_data);
    return 0;
}

static inline enum status decode(const struct record_content *record)
{
    memset(&fault, 0, sizeof fault);
    arena.used = 0;
    return command_json_decode(record, &rules, &arena, &command, &context, &fault);
}

/* The value stands in memory of exactly its size, so that a read beyond it is seen. */
static inline enum status decode_bytes(struct bytes value)
{
    char *exact = malloc(value.len + 1);
    memcpy(exact, value.data, value.len);
    char *moved = realloc(exact, value.len == 0 ? 1 : value.len);
    enum status status = decode(&(struct record_content){.value = {moved, value.len}});
    memset(moved, '?', value.len); /* nothing of a command may point there */
    free(moved);
    return status;
}

static inline enum status decode_text(const char *value)
{
    return decode_bytes(bytes_of(value));
}

static inline void assert_refused(const char *value, enum status status, const char *message)
{
    enum status got = decode_text(value);
    if (got != status || strcmp(fault.message, message) != 0)
        fail_msg("%s\n  gave %s \"%s\"\n  not  %s \"%s\"", value, status_name(got), fault.message,
                 status_name(status), message);
    assert_int_equal(fault.status, status);
    assert_string_equal(fault.code, "validation_failed");
    assert_true(fault.has_order_id);
    assert_true(bytes_equal_text(command.order_id, "ORD-1"));
}

static inline void assert_unreadable(struct bytes value, const char *message)
{
    assert_int_not_equal(decode_bytes(value), STATUS_OK);
    assert_string_equal(fault.code, "unreadable");
    assert_string_equal(fault.message, message);
    assert_false(fault.has_order_id);
}

#endif
