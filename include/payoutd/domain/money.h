/*
 * money: an exact amount. Minor units in 64 bits, a currency, and the decimal text as it was
 * written, because that text is what gets signed (docs/EVENTS.md, command data). No floating point
 * anywhere.
 */
#ifndef PAYOUTD_DOMAIN_MONEY_H
#define PAYOUTD_DOMAIN_MONEY_H

#include "payoutd/base/bytes.h"

struct money {
    int64_t amount_minor; /* hundredths of the currency's unit */
    char currency[4];     /* ISO 4217 and NUL; empty: the text named none */
    struct bytes text;    /* "1000", "1000.5", "0.01": a view of what was written */
};

/*
 * `^(0|[1-9][0-9]{0,7})(\.[0-9]{1,2})?$`, above zero; three upper-case letters. STATUS_BAD_FIELD.
 */
MUST_USE enum status money_parse(struct bytes text, struct bytes currency, struct money *ret_money);

/*
 * An amount as a gateway writes it: as above, but zero, leading zeros, up to 12 digits, and a third
 * and fourth decimal that are zeros ("400.0000") are taken too. STATUS_BAD_FIELD.
 */
MUST_USE enum status money_parse_reply(struct bytes text, int64_t *ret_amount_minor);

bool money_same_amount(const struct money *money, int64_t amount_minor);

#endif
