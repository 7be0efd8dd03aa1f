/* Outcome bodies of the simulator. */
#include "sim_body.h"

#include <stdio.h>
#include <string.h>

void sim_body_write(const struct sim_body *body, char *ret_text, size_t max)
{
    int len = snprintf(
        ret_text, max, "%s %d %s %c%d/%lld w%d d%d p%s r%s n%x", order_state_name(body->state),
        (int) body->attempt, body->evidence, body->is_evidence ? 'e' : 'c', (int) body->partition,
        (long long) body->offset, body->words, body->doubt, body->pid[0] == '\0' ? "-" : body->pid,
        body->refused[0] == '\0' ? "-" : body->refused, body->nonce);
    must(len > 0 && (size_t) len < max);
}

bool sim_body_read(struct bytes text, struct sim_body *ret_body)
{
    char copy[256], state[12], topic;
    int attempt, partition, doubt;
    long long offset;
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret_body = (struct sim_body){.state = ORDER_ABSENT};
    int fields = sscanf(copy, "%11s %d %11s %c%d/%lld w%d d%d p%23s r%63s n%x", state, &attempt,
                        ret_body->evidence, &topic, &partition, &offset, &ret_body->words, &doubt,
                        ret_body->pid, ret_body->refused, &ret_body->nonce);
    if (fields != 11 || order_state_parse(bytes_of(state), &ret_body->state) != STATUS_OK)
        return false;
    ret_body->attempt = attempt;
    ret_body->is_evidence = topic == 'e';
    ret_body->partition = partition;
    ret_body->offset = offset;
    ret_body->doubt = doubt != 0;
    return true;
}

static void replace(char *text, char from, char to)
{
    for (; *text != '\0'; text++)
        if (*text == from)
            *text = to;
}

/* As many as fit: the real event carries so many, too. */
void sim_body_list(char *ret_list, size_t max, struct bytes spaced)
{
    size_t len = spaced.len < max ? spaced.len : max - 1;
    while (len > 0 && len < spaced.len && spaced.data[len] != ' ')
        len--;
    if (len > 0)
        memcpy(ret_list, spaced.data, len);
    ret_list[len] = '\0';
    replace(ret_list, ' ', ',');
}

void sim_body_unlist(char *ret_spaced, size_t max, const char *list)
{
    snprintf(ret_spaced, max, "%s", strcmp(list, "-") == 0 ? "" : list);
    replace(ret_spaced, ',', ' ');
}
