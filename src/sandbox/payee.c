/* The documented test payees: cards of the gateway's test host, and tokens and IBANs that do the
 * same here. */
#include "call.h"

#include <string.h>

struct payee_row {
    const char *card; /* whole */
    const char
        *ending; /* of a token 00000000-0000-4000-8000-0000000NNNNN, or of an IBAN of bank 999 */
    struct payee_behaviour behaviour;
};

static const struct payee_row rows[] = {
    {"4671593866478252", "00000", {0, false}},     {"5325349472901311", "10000", {10000, false}},
    {"4556046085041740", "10001", {10001, false}}, {"5543974702876045", "08888", {8888, false}},
    {"5507841999732294", "00051", {0, true}},      {"4532676596620704", "00052", {10001, true}},
};

static bool matches(enum call_method method, struct bytes payee, const struct payee_row *row)
{
    if (method == CALL_CARD)
        return bytes_equal_text(payee, row->card);
    bool special = method == CALL_TOKEN
                       ? bytes_starts_with(payee, BYTES("00000000-0000-4000-8000-"))
                       : payee.len == 20 && memcmp(payee.data + 4, "999", 3) == 0;
    return special && payee.len > 5 && memcmp(payee.data + payee.len - 5, row->ending, 5) == 0;
}

struct payee_behaviour payee_behaviour(enum call_method method, struct bytes payee)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (matches(method, payee, &rows[i]))
            return rows[i].behaviour;
    return (struct payee_behaviour){0, false};
}
