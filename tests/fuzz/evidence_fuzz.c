/* Any bytes as a record of the resolutions topic, and as a stored outcome body that is to be
 * changed. */
#include "fuzz.h"

#include "payoutd/codec/evidence_json.h"
#include "payoutd/codec/json_reader.h"
#include "payoutd/codec/outcome_json.h"

static char arena_data[128 * 1024];

static void ignore_event(void *context, const struct json_event *event)
{
    (void) context, (void) event;
}

static void change(struct bytes body, struct arena *arena)
{
    static const struct command nothing;
    struct outcome outcome = {.command = &nothing, .state = ORDER_UNKNOWN, .occurred_ms = 1};
    struct bytes changed;
    struct outcome_facts facts;
    const char *why;
    if (outcome_json_change(body, &outcome, arena, &changed) == STATUS_OK)
        must(json_read(changed, ignore_event, NULL, &why) == STATUS_OK);
    enum status status = outcome_json_read(body, arena, &facts);
    must(status != STATUS_OK || !bytes_is_none(facts.order_id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct evidence_record record;
    const char *why;
    struct bytes value = {(const char *) data, size};
    arena_init(&arena, arena_data, sizeof arena_data);
    if (evidence_json_decode(value, &record, &why) == STATUS_OK)
        change(record.body, &arena);
    change(value, &arena);
    return 0;
}
