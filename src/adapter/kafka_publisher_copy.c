/* The publisher's own copy of its options: a producer may have to be made anew long after the
 * start. */
#include "kafka_publisher_parts.h"

#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = strdup(text);
    must(copy != NULL); /* some hundred bytes at start */
    return copy;
}

static void free_text(const char *text)
{
    free((void *) (uintptr_t) text);
}

static struct kafka_setting *copy_settings(const struct kafka_setting *settings, size_t count)
{
    struct kafka_setting *copy = calloc(count + 1, sizeof *copy);
    must(copy != NULL);
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct kafka_setting){copy_text(settings[i].name), copy_text(settings[i].value)};
    return copy;
}

struct kafka_publisher_options kafka_publisher_copy_options(
    const struct kafka_publisher_options *options)
{
    struct kafka_publisher_options copy = *options;
    copy.settings = copy_settings(options->settings, options->settings_count);
    copy.transactional_id = copy_text(options->transactional_id);
    copy.group_id = copy_text(options->group_id);
    for (size_t i = 0; i < PUBLISH_TOPIC_COUNT; i++)
        copy.topics[i] = copy_text(options->topics[i]);
    for (size_t i = 0; i < SOURCE_TOPIC_COUNT; i++)
        copy.source_topics[i] = copy_text(options->source_topics[i]);
    return copy;
}

void kafka_publisher_copy_free(struct kafka_publisher_options *copy)
{
    for (size_t i = 0; i < copy->settings_count; i++) {
        free_text(copy->settings[i].name);
        /* Passwords are among them. */
        explicit_bzero((void *) (uintptr_t) copy->settings[i].value,
                       strlen(copy->settings[i].value));
        free_text(copy->settings[i].value);
    }
    free((void *) (uintptr_t) copy->settings);
    free_text(copy->transactional_id);
    free_text(copy->group_id);
    for (size_t i = 0; i < PUBLISH_TOPIC_COUNT; i++)
        free_text(copy->topics[i]);
    for (size_t i = 0; i < SOURCE_TOPIC_COUNT; i++)
        free_text(copy->source_topics[i]);
}
