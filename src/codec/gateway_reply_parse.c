/*
 * The gateway's XML becomes fields, and whatever is not plain, complete UTF-8 XML without a DTD is
 * refused before anybody looks at what it says. libxml2's SAX interface: no tree is built.
 */
#include "payoutd/codec/gateway_reply.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>
#include <strings.h>

enum { ROOT = -1 };

/* An element below the root, in document order. */
struct element {
    struct bytes name, value;
    int parent; /* index, or ROOT */
    size_t children_count;
};

struct reader {
    xmlParserCtxt *xml;
    enum status status; /* the first thing that was wrong */
    struct element elements[GATEWAY_REPLY_FIELDS_MAX];
    size_t count;
    int open;  /* the innermost open element, or ROOT */
    int depth; /* open elements, the root included */
    /* Names and texts, one after the other; never longer than the source. */
    char *text;
    size_t text_len;
    size_t text_max;
    size_t own_start; /* where the text of the innermost open element begins */
};

static void refuse(struct reader *reader, enum status status)
{
    if (reader->status == STATUS_OK)
        reader->status = status;
    xmlStopParser(reader->xml);
}

static bool is_blank(const char *text, size_t len)
{
    return strspn(text, " \t\r\n") >= len;
}

/* The text so far belongs to an element that has children: only blanks are allowed there, and
 * dropped. */
static bool drop_own_text(struct reader *reader)
{
    size_t len = reader->text_len - reader->own_start;
    reader->text[reader->text_len] = '\0';
    reader->text_len = reader->own_start;
    return is_blank(reader->text + reader->own_start, len);
}

static bool add_text(struct reader *reader, const xmlChar *text, size_t len)
{
    if (len >= reader->text_max - reader->text_len)
        return false;
    memcpy(reader->text + reader->text_len, text, len);
    reader->text_len += len;
    return true;
}

static void open_field(struct reader *reader, const xmlChar *name)
{
    size_t len = strlen((const char *) name);
    if (reader->count == GATEWAY_REPLY_FIELDS_MAX) {
        refuse(reader, STATUS_TOO_LARGE);
        return;
    }
    struct element *element = &reader->elements[reader->count];
    *element = (struct element){.parent = reader->open};
    element->name = (struct bytes){reader->text + reader->text_len, len};
    if (!add_text(reader, name, len)) {
        refuse(reader, STATUS_TOO_LARGE);
        return;
    }
    if (reader->open != ROOT)
        reader->elements[reader->open].children_count++;
    reader->open = (int) reader->count++;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces_count, const xmlChar **namespaces, int attributes_count,
                     int defaulted_count, const xmlChar **attributes)
{
    struct reader *reader = context;
    (void) uri, (void) namespaces_count, (void) namespaces;
    (void) attributes_count, (void) defaulted_count, (void) attributes;
    if (reader->depth == GATEWAY_REPLY_DEPTH_MAX) {
        refuse(reader, STATUS_TOO_DEEP);
        return;
    }
    if (prefix != NULL || !drop_own_text(reader)) {
        refuse(reader, STATUS_SYNTAX);
        return;
    }
    if (reader->depth++ > 0)
        open_field(reader, name);
    reader->own_start = reader->text_len;
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct reader *reader = context;
    (void) name, (void) prefix, (void) uri;
    reader->depth--;
    struct element *element = reader->open == ROOT ? NULL : &reader->elements[reader->open];
    if (element != NULL && element->children_count == 0) {
        element->value.data = reader->text + reader->own_start;
        element->value.len = reader->text_len - reader->own_start;
    } else if (!drop_own_text(reader)) {
        refuse(reader, STATUS_SYNTAX);
    }
    if (element != NULL)
        reader->open = element->parent;
    reader->own_start = reader->text_len;
}

static void on_text(void *context, const xmlChar *text, int len)
{
    struct reader *reader = context;
    if (!add_text(reader, text, (size_t) len))
        refuse(reader, STATUS_TOO_LARGE);
}

static void on_doctype(void *context, const xmlChar *name, const xmlChar *external_id,
                       const xmlChar *system_id)
{
    (void) name, (void) external_id, (void) system_id;
    refuse(context, STATUS_SYNTAX);
}

/* Silent: what is wrong with an answer is in our status, not on somebody's terminal. */
static void on_error(void *context, xmlError *error)
{
    (void) context, (void) error;
}

/* Every callback that is not named here does nothing: no entity, no DTD, no tree. */
static const xmlSAXHandler handler = {
    .initialized = XML_SAX2_MAGIC,
    .internalSubset = on_doctype,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_text,
    .serror = on_error,
};

/* The XML declaration names no charset, or UTF-8. */
static bool declares_utf8(struct bytes xml)
{
    if (!bytes_starts_with(xml, BYTES("<?xml")))
        return true;
    const char *end = memmem(xml.data, xml.len, "?>", 2);
    size_t len = end == NULL ? xml.len : (size_t) (end - xml.data);
    const char *named = memmem(xml.data, len, "encoding", strlen("encoding"));
    if (named == NULL)
        return true;
    size_t left = len - (size_t) (named - xml.data);
    size_t at = strlen("encoding");
    while (at < left && strchr(" \t\r\n=\"'", named[at]) != NULL)
        at++;
    return left - at >= strlen("UTF-8") + 1 && strncasecmp(named + at, "UTF-8", 5) == 0 &&
           strchr("\"'", named[at + 5]) != NULL;
}

/* Anything that libxml2 might take for another charset (UTF-16, UCS-4, EBCDIC) is refused before it
 * guesses. */
static bool looks_like_utf8_xml(struct bytes xml)
{
    struct bytes mark = BYTES("\xEF\xBB\xBF");
    if (memchr(xml.data, '\0', xml.len) != NULL)
        return false;
    if (bytes_starts_with(xml, mark))
        xml = (struct bytes){xml.data + mark.len, xml.len - mark.len};
    return xml.len > 0 && strchr("< \t\r\n", xml.data[0]) != NULL && declares_utf8(xml);
}

static enum status read_document(struct reader *reader, struct bytes xml)
{
    reader->xml = xmlCreateMemoryParserCtxt(xml.data, (int) xml.len);
    if (reader->xml == NULL)
        return STATUS_NO_ROOM;
    *reader->xml->sax = handler;
    reader->xml->userData = reader;
    xmlCtxtUseOptions(reader->xml, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
    int parsed = xmlParseDocument(reader->xml);
    bool whole = parsed == 0 && reader->xml->wellFormed == 1 && reader->xml->errNo == XML_ERR_OK;
    xmlFreeParserCtxt(reader->xml);
    if (reader->status != STATUS_OK)
        return reader->status;
    return whole && reader->depth == 0 ? STATUS_OK : STATUS_SYNTAX;
}

/* Places the children of `parent` side by side, in message order. */
static struct field *place_children(const struct reader *reader, int parent, struct field *at,
                                    struct field *places[static GATEWAY_REPLY_FIELDS_MAX])
{
    for (size_t i = 0; i < reader->count; i++) {
        const struct element *element = &reader->elements[i];
        if (element->parent != parent)
            continue;
        *at = (struct field){.name = element->name, .value = element->value};
        places[i] = at++;
    }
    return at;
}

static enum status make_fields(const struct reader *reader, struct arena *arena,
                               struct field **ret_fields, size_t *ret_count)
{
    struct field *places[GATEWAY_REPLY_FIELDS_MAX] = {NULL};
    struct field *fields = arena_take(arena, (reader->count + 1) * sizeof *fields);
    if (fields == NULL)
        return STATUS_NO_ROOM;
    struct field *end = place_children(reader, ROOT, fields, places);
    *ret_count = (size_t) (end - fields);
    *ret_fields = fields;
    /* Document order: a parent has its place before its children are placed. */
    for (size_t i = 0; i < reader->count; i++) {
        if (reader->elements[i].children_count == 0)
            continue;
        must(places[i] != NULL);
        places[i]->children = end;
        places[i]->children_count = reader->elements[i].children_count;
        end = place_children(reader, (int) i, end, places);
    }
    return STATUS_OK;
}

enum status gateway_reply_parse(struct bytes xml, struct arena *arena, struct field **ret_fields,
                                size_t *ret_count)
{
    struct reader reader;
    if (xml.len > GATEWAY_REPLY_MAX)
        return STATUS_TOO_LARGE;
    if (xml.len == 0 || !looks_like_utf8_xml(xml))
        return STATUS_SYNTAX;
    reader.status = STATUS_OK;
    reader.count = 0;
    reader.open = ROOT;
    reader.depth = 0;
    reader.text_len = 0;
    reader.own_start = 0;
    reader.text_max = xml.len + 1;
    reader.text = arena_take(arena, reader.text_max);
    if (reader.text == NULL)
        return STATUS_NO_ROOM;
    TRY(read_document(&reader, xml));
    return make_fields(&reader, arena, ret_fields, ret_count);
}
