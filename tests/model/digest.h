/* digest: what a state is known by. digest_begin, then everything that matters, then digest_end. */
#ifndef TESTS_MODEL_DIGEST_H
#define TESTS_MODEL_DIGEST_H

#include "model.h"

void digest_begin(void);
void digest_put(int64_t value);
void digest_put_bytes(const void *data, size_t size);
void digest_put_text(struct bytes text);
void digest_put_window(const struct window *window);
void digest_put_flow(int w); /* digest_flow.c */
struct digest digest_end(void);

#define PUT_NAME(field) digest_put_text(bytes_of(field))

#endif
