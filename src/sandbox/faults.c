/* The table of faults, and which of them a request gets. */
#include "faults.h"

#include <stdio.h>

enum {
    MAGIC_ERROR = 66,          /* 66CCCCC */
    MAGIC_EXECUTED_ERROR = 67, /* 67CCCCC */
    MAGIC_FAULT = 77,          /* 77NNPPP */
    MAGIC_UNIT = 100000,
    MINOR_UNITS = 100,
};

static const struct fault_row rows[FAULT_COUNT] = {
    [FAULT_NONE] = {FAULT_NONE, 0, "none", FAULT_SCOPE_ANY, FAULT_EXECUTES_NOW, 0, "", "no fault"},
#define FAULT(code, number, name, scope, execution, preset, argument, sentence)                    \
    [FAULT_##                                                                                      \
        code] = {FAULT_##code, number,   name,    FAULT_SCOPE_##scope, FAULT_EXECUTES_##execution, \
                 preset,       argument, sentence},
#include "faults.def"
#undef FAULT
};

const struct fault_row *fault_row(enum fault_code code)
{
    must(code >= FAULT_NONE && code < FAULT_COUNT);
    return &rows[code];
}

const struct fault_row *fault_find(struct bytes name)
{
    for (size_t i = 1; i < FAULT_COUNT; i++)
        if (bytes_equal_text(name, rows[i].name))
            return &rows[i];
    return NULL;
}

struct fault fault_of_amount(int64_t amount_minor)
{
    int64_t units = amount_minor / MINOR_UNITS;
    int64_t family = units / MAGIC_UNIT;
    int32_t rest = (int32_t) (units % MAGIC_UNIT);
    if (family == MAGIC_ERROR)
        return (struct fault){FAULT_ERROR, rest};
    if (family == MAGIC_EXECUTED_ERROR)
        return (struct fault){FAULT_EXECUTED_ERROR, rest};
    if (family != MAGIC_FAULT)
        return (struct fault){FAULT_NONE, 0};
    for (size_t i = 1; i < FAULT_COUNT; i++) {
        int32_t argument = rest % 1000;
        if (rows[i].number != 0 && rows[i].number == rest / 1000)
            return (struct fault){rows[i].code, argument == 0 ? rows[i].preset : argument};
    }
    return (struct fault){FAULT_NONE, 0};
}

static const char *scope_words(const struct fault_row *row)
{
    switch (row->scope) {
    case FAULT_SCOPE_PAYOUT:
        return "payout";
    case FAULT_SCOPE_ANY:
        return "any";
    case FAULT_SCOPE_LINE:
        return "server";
    }
    must(false);
}

void fault_print_table(void)
{
    printf("Magic amounts (whole units; any hundredths):\n"
           "  66CCCCC   error CCCCC, not paid: 6610001 is error 10001, 6608888 error 8888\n"
           "  67CCCCC   paid, and yet error CCCCC is the answer\n"
           "  77NNPPP   fault NN with argument PPP (000: its default), as listed:\n\n");
    printf("%-9s %-22s %-7s %-30s %s\n", "amount", "name for /faults", "on", "argument (default)",
           "what happens");
    for (size_t i = 1; i < FAULT_COUNT; i++) {
        char amount[16] = "-", argument[48] = "-";
        if (rows[i].number != 0)
            snprintf(amount, sizeof amount, "77%02dPPP", rows[i].number);
        if (rows[i].argument[0] != '\0')
            snprintf(argument, sizeof argument, "%s (%d)", rows[i].argument, (int) rows[i].preset);
        printf("%-9s %-22s %-7s %-30s %s\n", amount, rows[i].name, scope_words(&rows[i]), argument,
               rows[i].sentence);
    }
}
