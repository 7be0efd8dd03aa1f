/* What an outcome says, as one line: "PAID 1 of 0/0 words 3 doubt 0 refused". */
#include "model.h"

#include <stdio.h>

void model_body(const struct body_facts *facts, char ret_text[static BODY_MAX])
{
    int len = snprintf(ret_text, BODY_MAX, "%s %d of %d/%d words %d doubt %d refused %s",
                       order_state_name(facts->state), facts->attempt, facts->place, facts->offset,
                       facts->words, facts->doubt, facts->refused);
    must(len < BODY_MAX);
}

struct body_facts model_body_read(const char *text)
{
    struct body_facts facts = {0};
    char state[16];
    int end = 0;
    int read = sscanf(text, "%15s %d of %d/%d words %d doubt %d refused %n", state, &facts.attempt,
                      &facts.place, &facts.offset, &facts.words, &facts.doubt, &end);
    must(read == 6 && end > 0 && order_state_parse(bytes_of(state), &facts.state) == STATUS_OK);
    KEEP(facts.refused, bytes_of(text + end));
    return facts;
}

struct bytes model_body_of(struct payout *payout, enum order_state state)
{
    struct body_facts facts = {.state = state,
                               .attempt = payout->attempt,
                               .place = payout->is_evidence ? PLACE_RESOLUTIONS : payout->partition,
                               .offset = (int) payout->offset,
                               .words = payout->is_evidence ? WORDS_UNKNOWN
                                                            : payout->command.fingerprint[0],
                               .doubt = payout->doubt};
    char text[BODY_MAX];
    struct bytes body;
    KEEP(facts.refused, payout->refused_payment_ids);
    model_body(&facts, text);
    must(arena_copy(&payout->arena, bytes_of(text), &body) == STATUS_OK);
    return body;
}
