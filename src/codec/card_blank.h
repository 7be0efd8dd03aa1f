/*
 * card_blank: overwrites the digits of card numbers in a text that leaves the worker, in place.
 * Finds what order_text_has_pan finds, also when JSON writes digits as \u003X, and all digits of a
 * field named pan or pg_payment_to.
 */
#ifndef PAYOUTD_CODEC_CARD_BLANK_H
#define PAYOUTD_CODEC_CARD_BLANK_H

#include <stddef.h>

void card_blank(char *text, size_t len);

#endif
