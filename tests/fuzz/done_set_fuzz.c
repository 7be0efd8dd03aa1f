/* Any bytes as commit metadata: what is taken is within the span and, written again, reads back the
 * same. */
#include "fuzz.h"

#include "payoutd/codec/done_set.h"

#include <string.h>

static const int64_t committed = 1000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct window window, again;
    struct commit_metadata metadata, metadata_again;
    window_init(&window, committed);
    const struct window before = window;
    if (done_set_decode((struct bytes){(const char *) data, size}, &metadata, &window) !=
        STATUS_OK) {
        must(memcmp(&window, &before, sizeof window) == 0);
        return 0;
    }
    must(window.watermark == committed && window.inherited <= committed + WINDOW_SPAN_MAX);
    char text[DONE_SET_TEXT_MAX];
    size_t len = 0;
    must(done_set_encode(&metadata, &window, text, sizeof text, &len) == STATUS_OK);
    window_init(&again, committed);
    must(done_set_decode((struct bytes){text, len}, &metadata_again, &again) == STATUS_OK);
    must(memcmp(&window, &again, sizeof window) == 0);
    must(metadata.token == metadata_again.token && metadata.ceiling == metadata_again.ceiling);
    return 0;
}
