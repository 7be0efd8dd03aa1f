/* Writes JSON into an evbuffer, piece by piece. */
#include "json_write.h"

#include "amount.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void put(struct json_writer *json, const char *text)
{
    evbuffer_add(json->out, text, strlen(text));
}

static void put_quoted(struct json_writer *json, const char *text)
{
    put(json, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char) *at;
        if (byte == '"' || byte == '\\')
            evbuffer_add_printf(json->out, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f) /* foreign bytes need not be UTF-8 */
            evbuffer_add_printf(json->out, "\\u%04x", (unsigned) byte);
        else
            evbuffer_add(json->out, at, 1);
    }
    put(json, "\"");
}

static void begin(struct json_writer *json, const char *name)
{
    if (json->needs_comma)
        put(json, ",");
    json->needs_comma = true;
    if (name != NULL) {
        put_quoted(json, name);
        put(json, ":");
    }
}

void json_open(struct json_writer *json, const char *name, char bracket)
{
    begin(json, name);
    evbuffer_add(json->out, &bracket, 1);
    json->needs_comma = false;
}

void json_close(struct json_writer *json, char bracket)
{
    evbuffer_add(json->out, &bracket, 1);
    json->needs_comma = true;
}

void json_put_text(struct json_writer *json, const char *name, const char *value)
{
    begin(json, name);
    put_quoted(json, value);
}

void json_put_number(struct json_writer *json, const char *name, int64_t value)
{
    begin(json, name);
    evbuffer_add_printf(json->out, "%lld", (long long) value);
}

void json_put_bool(struct json_writer *json, const char *name, bool value)
{
    begin(json, name);
    put(json, value ? "true" : "false");
}

void json_put_amount(struct json_writer *json, const char *name, int64_t minor)
{
    char text[AMOUNT_TEXT_MAX];
    amount_write(minor, text);
    json_put_text(json, name, text);
}

void json_put_time(struct json_writer *json, const char *name, int64_t wall_ms)
{
    char day[32], text[48];
    time_t seconds = (time_t) (wall_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof text, "%s.%03dZ", day, (int) (wall_ms % 1000));
    json_put_text(json, name, text);
}
