/*
 * Any bytes as an answer of the gateway: parsed, then judged as each of the three answers. Bytes
 * that carry no valid signature must never prove anything, and the key is one that no input can
 * know.
 */
#include "fuzz.h"

#include "payoutd/codec/gateway_reply.h"

static const struct money amount = {.amount_minor = 100000, .currency = "KZT"};

static void judge(struct bytes xml, struct arena *arena, const struct gateway_question *question)
{
    struct answer answer;
    int64_t balance_minor = -1;
    arena_wipe(arena);
    gateway_reply_payout(question, 200, xml, arena, &answer);
    must(answer.verdict == VERDICT_UNKNOWN && answer.why != NULL && !answer.verified);
    arena_wipe(arena);
    gateway_reply_status(question, 200, xml, arena, &answer);
    must(answer.verdict == VERDICT_UNKNOWN && !answer.no_such_payment);
    arena_wipe(arena);
    must(gateway_reply_balance(question, 200, xml, arena, &answer, &balance_minor) != STATUS_OK);
    must(balance_minor == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char memory[256 * 1024];
    struct bytes xml = {(const char *) data, size};
    struct arena arena;
    struct field *fields = NULL;
    size_t count = 0;
    struct gateway_profile profile = {
        .merchant_id = BYTES("9970"),
        .secret = BYTES("test_payout_key"),
        .paths = {BYTES("/p2p2nonreg"), BYTES("/reg2reg"), BYTES("/to_iban"), BYTES("/status"),
                  BYTES("/balance")},
    };
    struct gateway_question question = {
        .profile = &profile, .order_id = BYTES("ORD12345"), .amount = &amount};
    arena_init(&arena, memory, sizeof memory);
    enum status status = gateway_reply_parse(xml, &arena, &fields, &count);
    if (status == STATUS_OK) {
        char hex[SIGNATURE_LEN + 1];
        must(count <= GATEWAY_REPLY_FIELDS_MAX);
        must(signature_make(BYTES("s"), fields, count, BYTES("k"), hex) == STATUS_OK);
        /* A signed input proves something by right: only the corpus has such. */
        if (signature_check(BYTES("p2p2nonreg"), fields, count, profile.secret) == STATUS_OK)
            return 0;
    } else {
        must(status == STATUS_SYNTAX || status == STATUS_TOO_LARGE || status == STATUS_TOO_DEEP);
    }
    judge(xml, &arena, &question);
    return 0;
}
