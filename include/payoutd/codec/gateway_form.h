/*
 * gateway_form: the signed request bodies of the gateway's methods (docs/GATEWAY.md, Methods).
 *
 * Writes application/x-www-form-urlencoded or multipart/form-data into the payout's arena. The
 * salt is the caller's (16 random letters or digits), so that the same input gives the same
 * bytes.
 */
#ifndef PAYOUTD_CODEC_GATEWAY_FORM_H
#define PAYOUTD_CODEC_GATEWAY_FORM_H

#include "payoutd/base/arena.h"
#include "payoutd/codec/signature.h"
#include "payoutd/domain/order.h"

enum form_encoding { FORM_URLENCODED, FORM_MULTIPART };

enum gateway_method {
    GATEWAY_CARD,  /* p2p2nonreg */
    GATEWAY_TOKEN, /* reg2reg */
    GATEWAY_IBAN,  /* to_iban */
    GATEWAY_STATUS,
    GATEWAY_BALANCE,
    GATEWAY_METHOD_COUNT,
};
enum gateway_method gateway_method_of(enum destination_type type);

/* How one merchant talks to the gateway; lives as long as the configuration. */
struct gateway_profile {
    struct bytes merchant_id;
    struct bytes secret;                      /* the payout key; never printed */
    struct bytes base_url;                    /* https://host[:port] */
    struct bytes paths[GATEWAY_METHOD_COUNT]; /* "/g2g/p2p2nonreg"; gives the script name */
    struct bytes post_link;                   /* default pg_post_link; absent: none */
    enum form_encoding encoding;
    bool idempotency_key;       /* send pg_idempotency_key = order id and attempt */
    int32_t order_time_limit_s; /* reg2reg: pg_order_time_limit = now + this */
};

struct form {
    struct bytes body;
    struct bytes content_type;
};

/*
 * A payout request. `attempt` from 1, `wall_ms` Unix time. STATUS_NO_ROOM when the arena is too
 * small, STATUS_MISSING_FIELD when the method needs a field that the command lacks (a card number
 * that was not decrypted, reg2reg's user_id).
 */
MUST_USE enum status gateway_form_payout(const struct gateway_profile *profile,
                                         const struct command *command, int32_t attempt,
                                         int64_t wall_ms, struct bytes salt, struct arena *arena,
                                         struct form *ret_form);
/* `payment_id` may be absent. */
MUST_USE enum status gateway_form_status(const struct gateway_profile *profile,
                                         struct bytes order_id, struct bytes payment_id,
                                         struct bytes salt, struct arena *arena,
                                         struct form *ret_form);
MUST_USE enum status gateway_form_balance(const struct gateway_profile *profile, struct bytes salt,
                                          struct arena *arena, struct form *ret_form);
/*
 * Parses a urlencoded body (callbacks, sandbox) into decoded fields. STATUS_SYNTAX,
 * STATUS_TOO_LARGE, STATUS_NO_ROOM. A NUL, encoded or not, is a syntax error.
 */
MUST_USE enum status gateway_form_parse(struct bytes body, struct arena *arena, size_t fields_max,
                                        struct field **ret_fields, size_t *ret_count);

#endif
