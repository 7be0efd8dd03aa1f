/* Remembers the offsets of open transactions and writes the plain commit that the mock cluster
 * understands. */
#include "kafka_offsets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { GROUPS_MAX = 64, NAME_ROOM = 256, FRAME_SPARE = 1024 };

struct offset {
    STAILQ_ENTRY(offset) link;
    char *topic, *metadata; /* metadata NULL: null */
    int32_t partition;
    int64_t offset;
};

struct kafka_transaction {
    LIST_ENTRY(kafka_transaction) link;
    char id[NAME_ROOM], group[NAME_ROOM];
    STAILQ_HEAD(offset_list, offset) offsets;
};

struct group {
    char name[NAME_ROOM], member[NAME_ROOM];
    int32_t generation;
};

struct kafka_offsets {
    LIST_HEAD(transaction_list, kafka_transaction) transactions;
    struct group groups[GROUPS_MAX];
    size_t groups_next; /* the oldest makes place */
};

struct kafka_offsets *kafka_offsets_new(void)
{
    struct kafka_offsets *offsets = calloc(1, sizeof *offsets);
    must(offsets != NULL);
    LIST_INIT(&offsets->transactions);
    return offsets;
}

void kafka_transaction_free(struct kafka_transaction *transaction)
{
    while (!STAILQ_EMPTY(&transaction->offsets)) {
        struct offset *offset = STAILQ_FIRST(&transaction->offsets);
        STAILQ_REMOVE_HEAD(&transaction->offsets, link);
        free(offset->topic);
        free(offset->metadata);
        free(offset);
    }
    free(transaction);
}

static void forget(struct kafka_transaction *transaction)
{
    LIST_REMOVE(transaction, link);
    kafka_transaction_free(transaction);
}

void kafka_offsets_free(struct kafka_offsets *offsets)
{
    if (offsets == NULL)
        return;
    while (!LIST_EMPTY(&offsets->transactions))
        forget(LIST_FIRST(&offsets->transactions));
    free(offsets);
}

static bool copy_name(struct bytes name, char ret_name[static NAME_ROOM])
{
    if (bytes_is_none(name) || name.len >= NAME_ROOM)
        return false;
    memcpy(ret_name, name.data, name.len);
    ret_name[name.len] = '\0';
    return true;
}

static struct group *find_group(const struct kafka_offsets *offsets, const char *name)
{
    for (size_t i = 0; i < GROUPS_MAX; i++)
        if (strcmp(offsets->groups[i].name, name) == 0)
            return (struct group *) (uintptr_t) &offsets->groups[i];
    return NULL;
}

/* Heartbeat and SyncGroup begin alike: group, generation, member. */
static void note_member(struct kafka_offsets *offsets, struct kafka_reader body)
{
    struct group heard = {.name = ""};
    bool fits = copy_name(kafka_read_string(&body), heard.name);
    heard.generation = (int32_t) kafka_read_int(&body, 4);
    fits = copy_name(kafka_read_string(&body), heard.member) && fits;
    if (!fits || body.broken)
        return;
    struct group *known = find_group(offsets, heard.name);
    if (known == NULL)
        known = &offsets->groups[offsets->groups_next++ % GROUPS_MAX];
    else if (known->generation > heard.generation)
        return;
    *known = heard;
}

static struct kafka_transaction *find_transaction(struct kafka_offsets *offsets, struct bytes id)
{
    struct kafka_transaction *transaction;
    LIST_FOREACH(transaction, &offsets->transactions, link)
    if (bytes_equal_text(id, transaction->id))
        return transaction;
    return NULL;
}

static struct kafka_transaction *take_transaction(struct kafka_offsets *offsets, struct bytes id,
                                                  struct bytes group)
{
    struct kafka_transaction *transaction = find_transaction(offsets, id);
    if (transaction != NULL)
        return transaction;
    transaction = calloc(1, sizeof *transaction);
    must(transaction != NULL);
    STAILQ_INIT(&transaction->offsets);
    LIST_INSERT_HEAD(&offsets->transactions, transaction, link);
    if (!copy_name(id, transaction->id) || !copy_name(group, transaction->group)) {
        forget(transaction);
        return NULL;
    }
    return transaction;
}

static char *copy_text(struct bytes text)
{
    char *copy = bytes_is_none(text) ? NULL : strndup(text.data, text.len);
    must(copy != NULL || bytes_is_none(text));
    return copy;
}

static void note_offsets(struct kafka_offsets *offsets, const struct kafka_request *request)
{
    struct kafka_reader body = request->body;
    struct bytes id = kafka_read_string(&body), group = kafka_read_string(&body);
    (void) kafka_read_int(&body, 8); /* producer id */
    (void) kafka_read_int(&body, 2); /* its epoch */
    struct kafka_transaction *transaction = take_transaction(offsets, id, group);
    int64_t topics = transaction == NULL ? 0 : kafka_read_int(&body, 4);
    for (; topics > 0 && !body.broken; topics--) {
        struct bytes topic = kafka_read_string(&body);
        for (int64_t left = kafka_read_int(&body, 4); left > 0 && !body.broken; left--) {
            struct offset *offset = calloc(1, sizeof *offset);
            must(offset != NULL);
            offset->topic = copy_text(topic);
            offset->partition = (int32_t) kafka_read_int(&body, 4);
            offset->offset = kafka_read_int(&body, 8);
            if (request->version >= 2)
                (void) kafka_read_int(&body, 4); /* leader epoch */
            offset->metadata = copy_text(kafka_read_string(&body));
            STAILQ_INSERT_TAIL(&transaction->offsets, offset, link);
        }
    }
}

void kafka_offsets_overhear(struct kafka_offsets *offsets, const struct kafka_request *request)
{
    if (request->api == KAFKA_HEARTBEAT || request->api == KAFKA_SYNC_GROUP) {
        note_member(offsets, request->body);
    } else if (request->api == KAFKA_TXN_OFFSET_COMMIT) {
        note_offsets(offsets, request);
    } else if (request->api == KAFKA_INIT_PRODUCER_ID) { /* ends what its predecessor left open */
        struct kafka_reader body = request->body;
        struct kafka_transaction *open = find_transaction(offsets, kafka_read_string(&body));
        if (open != NULL)
            forget(open);
    }
}

struct kafka_transaction *kafka_offsets_take(struct kafka_offsets *offsets,
                                             const struct kafka_request *end_txn)
{
    struct kafka_reader body = end_txn->body;
    struct kafka_transaction *transaction = find_transaction(offsets, kafka_read_string(&body));
    (void) kafka_read_int(&body, 8); /* producer id */
    (void) kafka_read_int(&body, 2); /* its epoch */
    bool commits = kafka_read_int(&body, 1) != 0;
    if (transaction == NULL)
        return NULL;
    if (!commits || body.broken) {
        forget(transaction);
        return NULL;
    }
    LIST_REMOVE(transaction, link);
    return transaction;
}

static size_t room_for(const struct kafka_transaction *transaction, int32_t *ret_count)
{
    const struct offset *offset;
    size_t room = FRAME_SPARE;
    *ret_count = 0;
    STAILQ_FOREACH(offset, &transaction->offsets, link)
    {
        room += strlen(offset->topic) + 32;
        room += offset->metadata == NULL ? 0 : strlen(offset->metadata);
        ++*ret_count;
    }
    return room;
}

struct bytes kafka_transaction_request(const struct kafka_offsets *offsets,
                                       const struct kafka_transaction *transaction, bool as_member)
{
    int32_t count = 0;
    size_t room = room_for(transaction, &count);
    const struct group *group = as_member ? find_group(offsets, transaction->group) : NULL;
    char *data = malloc(room);
    must(data != NULL);
    struct buffer frame, length;
    buffer_init(&frame, data, room);
    kafka_write_int(&frame, 0, 4); /* the length, below */
    kafka_write_int(&frame, KAFKA_OFFSET_COMMIT, 2);
    kafka_write_int(&frame, 2, 2); /* version */
    kafka_write_int(&frame, 1, 4); /* correlation id */
    kafka_write_string(&frame, BYTES("relay"));
    kafka_write_string(&frame, bytes_of(transaction->group));
    kafka_write_int(&frame, group == NULL ? -1 : group->generation, 4);
    kafka_write_string(&frame, group == NULL ? BYTES("") : bytes_of(group->member));
    kafka_write_int(&frame, -1, 8); /* retention */
    kafka_write_int(&frame, count, 4);
    const struct offset *offset;
    STAILQ_FOREACH(offset, &transaction->offsets, link)
    {
        kafka_write_string(&frame, bytes_of(offset->topic));
        kafka_write_int(&frame, 1, 4);
        kafka_write_int(&frame, offset->partition, 4);
        kafka_write_int(&frame, offset->offset, 8);
        kafka_write_string(&frame, bytes_of(offset->metadata));
    }
    struct bytes whole;
    must(buffer_take(&frame, &whole) == STATUS_OK);
    buffer_init(&length, data, 4);
    kafka_write_int(&length, (int64_t) whole.len - 4, 4);
    return whole;
}

bool kafka_transaction_was_taken(struct bytes frame)
{
    struct kafka_reader body = {.rest = frame};
    bool all = true;
    (void) kafka_read_int(&body, 4); /* correlation id */
    for (int64_t topics = kafka_read_int(&body, 4); topics > 0 && !body.broken; topics--) {
        (void) kafka_read_string(&body);
        for (int64_t left = kafka_read_int(&body, 4); left > 0 && !body.broken; left--) {
            (void) kafka_read_int(&body, 4); /* partition */
            all = kafka_read_int(&body, 2) == 0 && all;
        }
    }
    return all && !body.broken;
}
