/*
 * What a command says, as one hash (docs/PROTOCOL.md, fp): the same words give the same hash in
 * every spelling, and nothing that the configuration filled in is part of it.
 */
#include "command_words.h"

#include "payoutd/codec/keyed_hash.h"

#include <string.h>

enum {
    TEXTS_MAX = 20 + 2 * ORDER_METADATA_MAX,
    HEAD_LEN = 6, /* tag, presence, length in 4 bytes */
};

struct serial {
    struct bytes parts[1 + 2 * TEXTS_MAX];
    size_t parts_count;
    char heads[TEXTS_MAX][HEAD_LEN];
    size_t heads_count;
};

/* An absent text differs from an empty one, and no two lists of texts give the same bytes. */
static void add(struct serial *serial, char tag, struct bytes text)
{
    must(serial->heads_count < TEXTS_MAX);
    char *head = serial->heads[serial->heads_count++];
    head[0] = tag;
    head[1] = bytes_is_none(text) ? 0 : 1;
    for (size_t i = 0; i < 4; i++)
        head[2 + i] = (char) (text.len >> (24 - 8 * i) & 0xFF);
    serial->parts[serial->parts_count++] = (struct bytes){head, HEAD_LEN};
    serial->parts[serial->parts_count++] = text;
}

static void add_time(struct serial *serial, char tag, int64_t ms, char room[static 8])
{
    for (size_t i = 0; i < 8; i++)
        room[i] = (char) ((uint64_t) ms >> (56 - 8 * i) & 0xFF);
    add(serial, tag, ms == 0 ? BYTES_NONE : (struct bytes){room, 8});
}

/* The order in which metadata was written says nothing. */
static void add_metadata(struct serial *serial, const struct command *command)
{
    struct metadata_entry sorted[ORDER_METADATA_MAX];
    for (size_t i = 0; i < command->metadata_count; i++) {
        size_t at = i;
        for (; at > 0 && bytes_compare(sorted[at - 1].key, command->metadata[i].key) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = command->metadata[i];
    }
    for (size_t i = 0; i < command->metadata_count; i++) {
        add(serial, 'M', sorted[i].key);
        add(serial, 'V', sorted[i].value);
    }
}

void command_fingerprint(const struct command_rules *rules, struct command *command)
{
    const struct destination *destination = &command->destination;
    struct serial serial = {.parts = {BYTES("payoutd command 1\n")}, .parts_count = 1};
    char not_after[8], requested_at[8];
    add(&serial, 'o', command->order_id);
    add(&serial, 'a', command->amount.text);
    add(&serial, 'c', bytes_of(command->amount.currency));
    add(&serial, 'd', command->description);
    add(&serial, 't', bytes_of(destination_type_name(destination->type)));
    add(&serial, 'p', destination->pan);
    add(&serial, 'j', destination->pan_jwe);
    add(&serial, 'n', destination->cardholder_name);
    add(&serial, 'k', destination->token);
    add(&serial, 'i', destination->iban);
    add(&serial, 'r', destination->recipient_name);
    add(&serial, 'x', destination->recipient_iin);
    add(&serial, 'e', destination->kbe);
    add(&serial, 'y', destination->knp);
    add(&serial, 'b', destination->bic);
    add(&serial, 'm', command->merchant_id);
    add(&serial, 'u', command->user_id);
    add(&serial, 'l', command->post_link);
    add_time(&serial, 'f', command->not_after_ms, not_after);
    add_time(&serial, 'q', command->requested_at_ms, requested_at);
    add_metadata(&serial, command);
    keyed_hash(rules->fingerprint_key, serial.parts, serial.parts_count, command->fingerprint);
}

void command_fingerprint_raw(const struct command_rules *rules, struct bytes value,
                             struct command *command)
{
    const struct bytes parts[] = {BYTES("payoutd refused 1\n"), value};
    keyed_hash(rules->fingerprint_key, parts, 2, command->fingerprint);
}
