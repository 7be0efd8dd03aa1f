/*
 * The worker's side of the contract for the test of schemas and examples (test_contract.py):
 *   contract_probe outcomes   prints a line "<name> <json>" for each kind of outcome
 *   contract_probe headers    the same for their headers, as a JSON object
 *   contract_probe commands   reads a command a line, says "ok" or "refused <message>" for each
 */
#include "outcome_samples.h"

#include <stdio.h>
#include <string.h>

static char arena_data[128 * 1024];
static struct arena arena;

static void print_outcome(enum outcome_sample sample, const struct sample_facts *facts)
{
    struct bytes body, value;
    must(outcome_json_body(&facts->outcome, &arena, &body) == STATUS_OK);
    must(outcome_json_finish(body, 1, false, &arena, &value) == STATUS_OK);
    printf("%s %.*s\n", outcome_samples_name(sample), (int) value.len, value.data);
}

static void print_headers(enum outcome_sample sample, const struct sample_facts *facts)
{
    const struct event_naming naming = {BYTES("kz.example"), BYTES("/payoutd"),
                                        BYTES("https://schemas.example/payout")};
    char id[EVENT_ID_LEN + 1];
    struct event_headers headers;
    outcome_event_id(BYTES("example"), facts->command.order_id, facts->outcome.state,
                     facts->outcome.attempt, id);
    must(outcome_json_headers(&naming, bytes_of(id), facts->outcome.state, facts->command.order_id,
                              facts->outcome.occurred_ms, &facts->context,
                              BYTES("00f067aa0ba902b7"), &arena, &headers) == STATUS_OK);
    printf("%s {", outcome_samples_name(sample));
    for (size_t i = 0; i < headers.count; i++)
        printf("%s\"%.*s\":\"%.*s\"", i > 0 ? "," : "", (int) headers.items[i].name.len,
               headers.items[i].name.data, (int) headers.items[i].value.len,
               headers.items[i].value.data);
    printf("}\n");
}

static void print_samples(void (*print)(enum outcome_sample, const struct sample_facts *))
{
    for (int sample = 0; sample < SAMPLE_COUNT; sample++) {
        struct sample_facts facts;
        arena_init(&arena, arena_data, sizeof arena_data);
        outcome_samples_fill((enum outcome_sample) sample, &facts);
        print((enum outcome_sample) sample, &facts);
    }
}

static void judge_command(struct bytes value)
{
    static const struct bytes currencies[] = {{"KZT", 3}};
    static const struct bytes hosts[] = {{"shop.example", 12}};
    const struct command_rules rules = {
        .allow_plaintext_pan = true,
        .accept_bare_json = true,
        .currencies = currencies,
        .currencies_count = 1,
        .post_link_hosts = hosts,
        .post_link_hosts_count = 1,
        .fingerprint_key = BYTES("0123456789abcdef0123456789abcdef"),
    };
    const struct record_content record = {.value = value};
    struct command command;
    struct event_context context;
    struct command_fault fault;
    arena_init(&arena, arena_data, sizeof arena_data);
    if (command_json_decode(&record, &rules, &arena, &command, &context, &fault) == STATUS_OK)
        printf("ok\n");
    else
        printf("refused %s\n", fault.message);
}

int main(int count, char **arguments)
{
    const char *what = count == 2 ? arguments[1] : "";
    char line[COMMAND_VALUE_MAX + 2];
    if (strcmp(what, "outcomes") == 0)
        print_samples(print_outcome);
    else if (strcmp(what, "headers") == 0)
        print_samples(print_headers);
    else if (strcmp(what, "commands") == 0)
        while (fgets(line, sizeof line, stdin) != NULL)
            judge_command((struct bytes){line, strcspn(line, "\n")});
    else
        return 2;
    return 0;
}
