/* The group metadata of one assignment: it fences the offsets that the publisher commits
 * (docs/PROTOCOL.md R7). */
#include "kafka_parts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct kafka_membership {
    atomic_int references;
    int32_t generation;
    rd_kafka_consumer_group_metadata_t *metadata;
};

struct text_field {
    const char *at;
    size_t left;
};

/* The next NUL-ended text; NULL when there is none. */
static const char *take_text(struct text_field *field)
{
    const char *text = field->at;
    const char *end = memchr(field->at, '\0', field->left);
    if (end == NULL)
        return NULL;
    field->left -= (size_t) (end - text) + 1;
    field->at = end + 1;
    return text;
}

/*
 * librdkafka 2.0 has no getters, only a serial form: "CGMDv2:", generation (host order), group,
 * member, 1 or 0 and the instance, texts with a NUL behind. The form is private, so a reading is
 * believed only when metadata made anew from it has the same serial form; anything else counts as
 * "no member".
 */
static bool parse(const char *data, size_t len, int32_t *ret_generation,
                  const char *ret_texts[static 3])
{
    static const char magic[] = "CGMDv2:";
    size_t head = sizeof magic - 1 + sizeof *ret_generation;
    if (len < head || memcmp(data, magic, sizeof magic - 1) != 0)
        return false;
    memcpy(ret_generation, data + sizeof magic - 1, sizeof *ret_generation);
    struct text_field rest = {data + head, len - head};
    ret_texts[0] = take_text(&rest);
    ret_texts[1] = ret_texts[0] == NULL ? NULL : take_text(&rest);
    if (ret_texts[1] == NULL || rest.left == 0)
        return false;
    bool has_instance = *rest.at++ == 0;
    rest.left--;
    ret_texts[2] = has_instance ? take_text(&rest) : NULL;
    return has_instance == (ret_texts[2] != NULL) && rest.left == 0;
}

static bool serialise(const rd_kafka_consumer_group_metadata_t *metadata, void **ret_data,
                      size_t *ret_len)
{
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(metadata, ret_data, ret_len);
    if (error == NULL)
        return true;
    rd_kafka_error_destroy(error);
    return false;
}

static bool is_same_when_made_anew(const char *data, size_t len, int32_t generation,
                                   const char *const texts[static 3])
{
    void *copy = NULL;
    size_t copy_len = 0;
    rd_kafka_consumer_group_metadata_t *anew =
        rd_kafka_consumer_group_metadata_new_with_genid(texts[0], generation, texts[1], texts[2]);
    bool same = anew != NULL && serialise(anew, &copy, &copy_len) && copy_len == len &&
                memcmp(copy, data, len) == 0;
    rd_kafka_mem_free(NULL, copy);
    if (anew != NULL)
        rd_kafka_consumer_group_metadata_destroy(anew);
    return same;
}

static bool is_member(const rd_kafka_consumer_group_metadata_t *metadata, int32_t *ret_generation)
{
    void *data = NULL;
    size_t len = 0;
    const char *texts[3] = {NULL, NULL, NULL};
    if (!serialise(metadata, &data, &len))
        return false;
    bool member = parse(data, len, ret_generation, texts) && *ret_generation >= 0 &&
                  texts[1][0] != '\0' && is_same_when_made_anew(data, len, *ret_generation, texts);
    rd_kafka_mem_free(NULL, data);
    return member;
}

enum status kafka_membership_new(rd_kafka_t *consumer, struct kafka_membership **ret_membership)
{
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(consumer);
    int32_t generation = -1;
    struct kafka_membership *membership = NULL;
    if (metadata != NULL && is_member(metadata, &generation))
        membership = malloc(sizeof *membership);
    if (membership == NULL) {
        if (metadata != NULL)
            rd_kafka_consumer_group_metadata_destroy(metadata);
        return STATUS_UNSAFE;
    }
    atomic_init(&membership->references, 1);
    membership->generation = generation;
    membership->metadata = metadata;
    *ret_membership = membership;
    return STATUS_OK;
}

const rd_kafka_consumer_group_metadata_t *kafka_membership_metadata(
    const struct kafka_membership *membership)
{
    return membership->metadata;
}

int32_t kafka_membership_generation(const struct kafka_membership *membership)
{
    return membership->generation;
}

struct kafka_membership *kafka_membership_keep(struct kafka_membership *membership)
{
    atomic_fetch_add(&membership->references, 1);
    return membership;
}

void kafka_membership_drop(struct kafka_membership *membership)
{
    if (membership == NULL || atomic_fetch_sub(&membership->references, 1) != 1)
        return;
    rd_kafka_consumer_group_metadata_destroy(membership->metadata);
    free(membership);
}
