/*
 * form: the fields of a request body, urlencoded or multipart. Written apart from the worker's own
 * codec on purpose: the stand-in must not share its mistakes.
 */
#ifndef SANDBOX_FORM_H
#define SANDBOX_FORM_H

#include "payoutd/codec/signature.h"

struct form_fields {
    struct field items[SIGNATURE_FIELDS_MAX];
    size_t count;
};

/* `room` has room for body.len bytes; the fields are views into it. STATUS_SYNTAX,
 * STATUS_TOO_LARGE. */
MUST_USE enum status form_read(struct bytes content_type, struct bytes body, char *room,
                               struct form_fields *ret_fields);
/* The first value of that name; absent when there is none. */
struct bytes form_value(const struct form_fields *fields, const char *name);

#endif
