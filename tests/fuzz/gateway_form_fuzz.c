/*
 * Any bytes as a urlencoded body. What is decoded must survive being encoded again: the bytes
 * between the marks become a status request's fields, whose body must decode to the same values in
 * the same order.
 */
#include "fuzz.h"

#include "payoutd/codec/gateway_form.h"

enum { FIELDS_MAX = 16, BODY_MAX = 16 * 1024, MEMORY_MAX = 1024 * 1024 };

static const struct field *find(const struct field *fields, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(fields[i].name, name))
            return &fields[i];
    }
    return NULL;
}

static void encode_again(struct bytes value, struct arena *arena)
{
    struct gateway_profile profile = {.merchant_id = BYTES("9970"), .secret = BYTES("key")};
    struct form form;
    struct field *fields = NULL;
    size_t count = 0;
    must(gateway_form_status(&profile, value, BYTES_NONE, BYTES("salt"), arena, &form) ==
         STATUS_OK);
    must(gateway_form_parse(form.body, arena, FIELDS_MAX, &fields, &count) == STATUS_OK);
    const struct field *back = find(fields, count, BYTES("pg_order_id"));
    must(back != NULL && bytes_equal(back->value, value));
    must(signature_check(BYTES(""), fields, count, profile.secret) == STATUS_OK);
    profile.encoding = FORM_MULTIPART;
    must(gateway_form_status(&profile, value, BYTES_NONE, BYTES("salt"), arena, &form) ==
         STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char memory[MEMORY_MAX];
    struct arena arena;
    struct field *fields = NULL;
    size_t count = 0;
    if (size > BODY_MAX)
        return 0;
    arena_init(&arena, memory, sizeof memory);
    enum status status = gateway_form_parse((struct bytes){(const char *) data, size}, &arena,
                                            FIELDS_MAX, &fields, &count);
    must(status == STATUS_OK || status == STATUS_SYNTAX || status == STATUS_TOO_LARGE);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        must(fields[i].name.len > 0);
        if (fields[i].value.len > 0)
            encode_again(fields[i].value, &arena);
    }
    arena_wipe(&arena);
    return 0;
}
