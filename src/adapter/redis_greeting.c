/* The first words on a connection to Redis: AUTH and SELECT. */
#include "redis_link_parts.h"

#include <stdio.h>
#include <string.h>

enum { GREETING_MAX = 4096 };

void redis_greeting_done(struct redis_link *link)
{
    loop_timer_clear(link->step_timer);
    link->events.opened(link->events.context);
}

static void on_greeting(void *context, struct redis_request *request,
                        const struct redisReply *reply)
{
    struct redis_link *link = context;
    if (reply == NULL)
        return; /* closed: already told */
    if (reply->type == REDIS_REPLY_ERROR) {
        char why[REDIS_WHY_MAX];
        snprintf(why, sizeof why, "%s was refused: %s",
                 request == &link->greeting[0] ? "AUTH" : "SELECT", reply->str);
        /* LOADING and the like pass by themselves; a wrong password does not */
        bool ours = strncmp(reply->str, "LOADING", 7) != 0 && strncmp(reply->str, "BUSY", 4) != 0;
        redis_link_drop(link, ours ? STATUS_CONFIG : STATUS_UNAVAILABLE, why);
        return;
    }
    if (--link->greetings_left == 0)
        redis_greeting_done(link);
}

static enum status greet(struct redis_link *link, struct redis_request *request,
                         const char *const *words, int count)
{
    char space[GREETING_MAX];
    struct buffer buffer;
    struct bytes command;
    buffer_init(&buffer, space, sizeof space);
    redis_link_put_count(&buffer, count);
    for (int i = 0; i < count; i++)
        redis_link_put_word(&buffer, bytes_of(words[i]));
    enum status status = buffer_take(&buffer, &command);
    *request = (struct redis_request){.done = on_greeting, .context = link};
    if (status == STATUS_OK)
        status = redis_link_send(link, request, command);
    explicit_bzero(space, sizeof space);
    if (status == STATUS_OK)
        link->greetings_left++;
    return status;
}

enum status redis_greeting_begin(struct redis_link *link)
{
    link->greetings_left = 0;
    if (link->password != NULL && link->username != NULL)
        TRY(greet(link, &link->greeting[0],
                  (const char *[]){"AUTH", link->username, link->password}, 3));
    else if (link->password != NULL)
        TRY(greet(link, &link->greeting[0], (const char *[]){"AUTH", link->password}, 2));
    if (link->options.database != 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", link->options.database);
        TRY(greet(link, &link->greeting[1], (const char *[]){"SELECT", number}, 2));
    }
    return STATUS_OK;
}
