/*
 * order: what a payout command says, after decoding. Every view points into the payout's arena.
 *
 * The checks here are the contract's (docs/EVENTS.md, command data v1); each names the field it
 * refuses.
 */
#ifndef PAYOUTD_DOMAIN_ORDER_H
#define PAYOUTD_DOMAIN_ORDER_H

#include "payoutd/base/bounds.h"
#include "payoutd/domain/money.h"

enum { ORDER_ID_MAX = 50, ORDER_METADATA_MAX = BOUND(20, 1), ORDER_PAYMENT_IDS_MAX = 8 };

enum destination_type { DESTINATION_CARD, DESTINATION_CARD_TOKEN, DESTINATION_IBAN };
const char *destination_type_name(enum destination_type type); /* "card" "card_token" "iban" */

struct destination {
    enum destination_type type;
    struct bytes pan;     /* card: 13-19 digits. Never leaves the arena but as a form field */
    struct bytes pan_jwe; /* card, encrypted: compact JWE; decrypted by a later step */
    struct bytes cardholder_name;
    struct bytes token;
    struct bytes iban, recipient_name, recipient_iin, kbe, knp, bic;
};

struct metadata_entry {
    struct bytes key, value;
};

struct command {
    struct bytes order_id;
    struct money amount;
    struct bytes description;
    struct destination destination;
    struct bytes merchant_id; /* absent: the configured default, resolved at the first ARM */
    struct bytes user_id;
    struct bytes post_link;  /* absent: the configured default */
    int64_t not_after_ms;    /* Unix time; 0: no limit */
    int64_t requested_at_ms; /* Unix time; 0: not said */
    struct metadata_entry metadata[ORDER_METADATA_MAX];
    size_t metadata_count;
    uint8_t fingerprint[32]; /* HMAC-SHA-256 over the command's own words (docs/PROTOCOL.md, fp) */
};

/* Single checks, used by the codec and by the tools. True: allowed. */
bool order_id_is_valid(struct bytes id);           /* ^[A-Za-z0-9_-]{1,50}$ */
bool order_user_id_is_valid(struct bytes id);      /* ^[A-Za-z0-9_-]{1,50}$ */
bool order_pan_is_valid(struct bytes pan);         /* 13-19 digits, Luhn */
bool order_iban_is_valid(struct bytes iban);       /* ISO 13616 form, mod 97 = 1 */
bool order_iin_is_valid(struct bytes iin);         /* 12 digits */
bool order_cardholder_is_valid(struct bytes name); /* Latin letters, dash, space, 1-100 */
/*
 * True when a run of 13-19 digits (white space and dashes between them ignored) passes Luhn and
 * begins as banks' cards do: not with 0, 1 or 7, so that times in milli-, micro- and nanoseconds
 * are not taken for cards.
 */
bool order_text_has_pan(struct bytes text);
/*
 * 440043******1234 (cards), first 4 and last 4 (IBAN, token). At least 32 bytes of room in `ret`.
 */
void order_mask_destination(const struct destination *destination, struct buffer *ret);

#endif
