/* The floor's requests to the gateway: libcurl's multi socket interface in the loop. */
#include "floor.h"

#include <string.h>

static const char *url, *ca_file;
static size_t connections_max, sending;
static struct list waiting;
static CURL *spare_easy[PAYOUTS_MAX];
static size_t spare_easy_count;
static struct curl_slist *headers;
static struct event *curl_timer;
static CURLM *multi;

static size_t on_write(char *data, size_t size, size_t count, void *context)
{
    struct payout *payout = context;
    need(payout->reply_len + size * count < sizeof payout->reply, "a long answer");
    memcpy(payout->reply + payout->reply_len, data, size * count);
    payout->reply_len += size * count;
    return size * count;
}

static CURL *make_easy(void)
{
    CURL *easy = curl_easy_init();
    need(easy != NULL, "curl");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, (char *) NULL);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "payoutd/0.1.0");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    return easy;
}

static void post(struct payout *payout)
{
    payout->easy = spare_easy_count > 0 ? spare_easy[--spare_easy_count] : make_easy();
    payout->reply_len = 0;
    curl_easy_setopt(payout->easy, CURLOPT_POSTFIELDS, payout->form);
    curl_easy_setopt(payout->easy, CURLOPT_POSTFIELDSIZE, (long) payout->form_len);
    curl_easy_setopt(payout->easy, CURLOPT_WRITEDATA, payout);
    curl_easy_setopt(payout->easy, CURLOPT_PRIVATE, payout);
    need(curl_multi_add_handle(multi, payout->easy) == CURLM_OK, "curl");
    sending++;
}

static void act(curl_socket_t fd, int what)
{
    int running, left;
    CURLMsg *message;
    curl_multi_socket_action(multi, fd, what, &running);
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        struct payout *payout;
        need(message->data.result == CURLE_OK, curl_easy_strerror(message->data.result));
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &payout);
        curl_multi_remove_handle(multi, payout->easy);
        spare_easy[spare_easy_count++] = payout->easy;
        sending--;
        settle(payout);
    }
    while (waiting.count > 0 && sending < connections_max)
        post(take(&waiting));
}

static void on_socket_ready(evutil_socket_t fd, short what, void *context)
{
    (void) context;
    act(fd, ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_curl_time(evutil_socket_t fd, short what, void *context)
{
    (void) fd, (void) what, (void) context;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *from, long delay_ms, void *context)
{
    (void) from, (void) context;
    struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
    if (delay_ms < 0)
        event_del(curl_timer);
    else
        event_add(curl_timer, &delay);
    return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *context,
                          void *socket_context)
{
    (void) easy, (void) context;
    struct event *event = socket_context;
    if (event != NULL)
        event_free(event);
    event = NULL;
    if (what != CURL_POLL_REMOVE) {
        short interest = (short) (((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                                  ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0) | EV_PERSIST);
        event = event_new(base, fd, interest, on_socket_ready, NULL);
        event_add(event, NULL);
    }
    curl_multi_assign(multi, fd, event);
    return 0;
}

void floor_gateway_send(struct payout *payout)
{
    if (sending < connections_max)
        post(payout);
    else
        put(&waiting, payout);
}

void floor_gateway_open(const char *to_url, const char *to_ca_file, size_t to_connections_max)
{
    url = to_url, ca_file = to_ca_file, connections_max = to_connections_max;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    headers = curl_slist_append(NULL, "Expect:");
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) connections_max);
    curl_timer = evtimer_new(base, on_curl_time, NULL);
}
