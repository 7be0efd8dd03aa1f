/* Calls pg_post_link, as the gateway would, and in the ways in which it should not. */
#include "callbacks.h"

#include "amount.h"
#include "call.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINK_TIMEOUT_S = 10, GAP_MS = 50, REQUEST_ROOM = 16 * 1024, HOST_MAX = 256 };

struct callbacks {
    struct sandbox *sandbox;
    SSL_CTX *tls;
    struct callbacks_totals totals;
    struct callback *in_flight;
};

/* One message, and the try that is going on. */
struct callback {
    struct callbacks *owner;
    struct callback *previous, *next; /* while in flight */
    struct bufferevent *bev;
    int64_t tries_left;
    bool is_https;
    int port;
    char host[HOST_MAX];
    size_t request_len;
    char request[]; /* the whole HTTP request */
};

enum status callbacks_new(struct sandbox *sandbox, struct callbacks **ret_callbacks)
{
    struct callbacks *callbacks = calloc(1, sizeof *callbacks);
    must(callbacks != NULL);
    callbacks->sandbox = sandbox;
    callbacks->tls = SSL_CTX_new(TLS_client_method());
    must(callbacks->tls != NULL);
    SSL_CTX_set_verify(callbacks->tls, SSL_VERIFY_PEER, NULL);
    const char *ca = sandbox->options.callback_ca;
    bool loaded = ca == NULL ? SSL_CTX_set_default_verify_paths(callbacks->tls) == 1
                             : SSL_CTX_load_verify_file(callbacks->tls, ca) == 1;
    if (!loaded) {
        fprintf(stderr, "payout-sandbox: cannot use the CA file %s\n",
                ca == NULL ? "(system)" : ca);
        callbacks_free(callbacks);
        return STATUS_CONFIG;
    }
    *ret_callbacks = callbacks;
    return STATUS_OK;
}

static void take_off(struct callback *callback)
{
    if (callback->previous != NULL)
        callback->previous->next = callback->next;
    else if (callback->owner->in_flight == callback)
        callback->owner->in_flight = callback->next;
    if (callback->next != NULL)
        callback->next->previous = callback->previous;
    callback->previous = callback->next = NULL;
    if (callback->bev != NULL)
        bufferevent_free(callback->bev);
    callback->bev = NULL;
}

void callbacks_free(struct callbacks *callbacks)
{
    if (callbacks == NULL)
        return;
    callbacks_reset(callbacks);
    SSL_CTX_free(callbacks->tls);
    free(callbacks);
}

void callbacks_reset(struct callbacks *callbacks)
{
    while (callbacks->in_flight != NULL) {
        struct callback *callback = callbacks->in_flight;
        take_off(callback);
        free(callback);
    }
    callbacks->totals = (struct callbacks_totals){0};
}

struct callbacks_totals callbacks_totals(const struct callbacks *callbacks)
{
    return callbacks->totals;
}

static void start(void *context, bool cancelled);

static void end_try(struct callback *callback, bool acknowledged)
{
    struct callbacks *callbacks = callback->owner;
    take_off(callback);
    callback->tries_left--;
    if (acknowledged)
        callbacks->totals.acknowledged++;
    else
        callbacks->totals.failed++;
    if (!acknowledged && callback->tries_left > 0) {
        later_add(callbacks->sandbox->later, callbacks->sandbox->options.callback_retry_ms, start,
                  callback);
        return;
    }
    if (!acknowledged)
        callbacks->totals.given_up++;
    free(callback);
}

static void on_answer(struct bufferevent *bev, void *context)
{
    struct callback *callback = context;
    char line[16] = "";
    struct evbuffer *input = bufferevent_get_input(bev);
    if (evbuffer_get_length(input) < sizeof line - 1)
        return;
    evbuffer_copyout(input, line, sizeof line - 1);
    end_try(callback, strncmp(line, "HTTP/1.", 7) == 0 && strncmp(line + 8, " 200", 4) == 0);
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
    (void) bev;
    if ((what & BEV_EVENT_CONNECTED) == 0)
        end_try(context, false);
}

static struct bufferevent *new_bufferevent(struct callback *callback)
{
    struct event_base *base = callback->owner->sandbox->base;
    if (!callback->is_https)
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    SSL *ssl = SSL_new(callback->owner->tls);
    must(ssl != NULL);
    SSL_set_tlsext_host_name(ssl, callback->host);
    X509_VERIFY_PARAM *check = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(check, callback->host) != 1)
        must(X509_VERIFY_PARAM_set1_host(check, callback->host, 0) == 1);
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev != NULL)
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

static void start(void *context, bool cancelled)
{
    struct callback *callback = context;
    struct callbacks *callbacks = callback->owner;
    if (cancelled) {
        free(callback);
        return;
    }
    callback->next = callbacks->in_flight;
    if (callback->next != NULL)
        callback->next->previous = callback;
    callbacks->in_flight = callback;
    callbacks->totals.sent++;
    callback->bev = new_bufferevent(callback);
    must(callback->bev != NULL);
    struct timeval timeout = {.tv_sec = LINK_TIMEOUT_S};
    bufferevent_set_timeouts(callback->bev, &timeout, &timeout);
    bufferevent_setcb(callback->bev, on_answer, NULL, on_event, callback);
    bufferevent_write(callback->bev, callback->request, callback->request_len);
    bufferevent_enable(callback->bev, EV_READ | EV_WRITE);
    /* names are resolved at once; a failure comes as an event */
    (void) bufferevent_socket_connect_hostname(callback->bev, NULL, AF_INET, callback->host,
                                               callback->port);
}

/* --- what it says --- */

struct message {
    bool is_ok, is_forged, is_xml;
    int64_t delay_ms;
};

static void fill(struct callbacks *callbacks, const struct payment *payment,
                 const struct message *message, struct reply *reply)
{
    char amount[AMOUNT_TEXT_MAX], balance[AMOUNT_TEXT_MAX], date[CALL_TIME_MAX];
    const struct merchant *merchant = payment->order->merchant;
    amount_write(payment->amount_minor, amount);
    amount_write(merchant->balance_minor, balance);
    time_t seconds = (time_t) (payment->created_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
    reply_init(reply);
    reply_add_int64(reply, "pg_payment_id", payment->id);
    reply_add_text(reply, "pg_merchant_id", merchant->id);
    reply_add_text(reply, "pg_order_id", payment->order->id);
    reply_add_text(reply, "pg_card_hash", payment->destination);
    reply_add_text(reply, "pg_status", message->is_ok ? "ok" : "error");
    reply_add_text(reply, "pg_balance", balance);
    reply_add_text(reply, "pg_payment_amount", amount);
    reply_add_text(reply, "pg_to_pay", amount);
    reply_add_text(reply, "pg_payment_date", date);
    reply_sign(reply, signature_script(bytes_of(payment->post_link)), bytes_of(merchant->secret),
               NULL, &callbacks->sandbox->random);
    if (message->is_forged)
        reply->signature[0] = reply->signature[0] == '0' ? '1' : '0';
}

static enum status write_body(const struct reply *reply, bool is_xml, char *room, size_t max,
                              struct bytes *ret_body)
{
    char xml_room[REPLY_TEXT_MAX];
    struct buffer body, xml;
    buffer_init(&body, room, max);
    if (is_xml) {
        struct bytes text;
        buffer_init(&xml, xml_room, sizeof xml_room);
        reply_write_xml(reply, &xml);
        TRY(buffer_take(&xml, &text));
        buffer_put_text(&body, "pg_xml=");
        reply_write_encoded(text, &body);
    } else {
        reply_write_form(reply, &body);
    }
    return buffer_take(&body, ret_body);
}

static struct callback *make(struct callbacks *callbacks, const char *link, struct bytes body)
{
    struct evhttp_uri *uri = evhttp_uri_parse(link);
    const char *scheme = uri == NULL ? NULL : evhttp_uri_get_scheme(uri);
    const char *host = uri == NULL ? NULL : evhttp_uri_get_host(uri);
    bool is_https = scheme != NULL && strcmp(scheme, "https") == 0;
    bool is_good = host != NULL && host[0] != '\0' && strlen(host) < HOST_MAX &&
                   (is_https || (scheme != NULL && strcmp(scheme, "http") == 0));
    struct callback *callback = is_good ? calloc(1, sizeof *callback + REQUEST_ROOM) : NULL;
    if (callback != NULL) {
        int port = evhttp_uri_get_port(uri);
        const char *path = evhttp_uri_get_path(uri), *query = evhttp_uri_get_query(uri);
        callback->owner = callbacks;
        callback->is_https = is_https;
        callback->port = port > 0 ? port : is_https ? 443 : 80;
        callback->tries_left = callbacks->sandbox->options.callback_tries;
        snprintf(callback->host, sizeof callback->host, "%s", host);
        int len = snprintf(callback->request, REQUEST_ROOM,
                           "POST %s%s%s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n"
                           "Content-Type: application/x-www-form-urlencoded\r\n"
                           "Content-Length: %zu\r\n\r\n%.*s",
                           path == NULL || path[0] == '\0' ? "/" : path, query == NULL ? "" : "?",
                           query == NULL ? "" : query, callback->host, callback->port, body.len,
                           (int) body.len, body.data);
        must(len > 0 && len < REQUEST_ROOM);
        callback->request_len = (size_t) len;
    }
    if (uri != NULL)
        evhttp_uri_free(uri);
    return callback;
}

static void send_message(struct callbacks *callbacks, const struct payment *payment,
                         struct message message)
{
    struct reply reply;
    char room[REPLY_TEXT_MAX];
    struct bytes body;
    fill(callbacks, payment, &message, &reply);
    must(write_body(&reply, message.is_xml, room, sizeof room, &body) == STATUS_OK);
    struct callback *callback = make(callbacks, payment->post_link, body);
    if (callback == NULL)
        callbacks->totals.given_up++; /* the link is no http or https address */
    else
        later_add(callbacks->sandbox->later, message.delay_ms, start, callback);
}

void callbacks_payment_began(struct callbacks *callbacks, const struct payment *payment)
{
    if (payment->post_link != NULL && payment->fault == FAULT_CALLBACK_FORGED)
        send_message(callbacks, payment,
                     (struct message){.is_ok = true,
                                      .is_forged = true,
                                      .delay_ms = callbacks->sandbox->options.callback_delay_ms});
}

void callbacks_payment_ended(struct callbacks *callbacks, const struct payment *payment)
{
    bool is_ok = payment->state == PAYMENT_SUCCESS;
    const struct options *options = &callbacks->sandbox->options;
    if (payment->post_link == NULL || payment->fault == FAULT_CALLBACK_LOST ||
        (options->callbacks_ok_only && !is_ok))
        return;
    struct message message = {.is_ok = is_ok, .delay_ms = options->callback_delay_ms};
    message.is_xml = payment->fault == FAULT_CALLBACK_XML;
    if (payment->fault == FAULT_CALLBACK_EARLY)
        message.delay_ms = 0;
    send_message(callbacks, payment, message);
    message.delay_ms += GAP_MS;
    if (payment->fault == FAULT_CALLBACK_CONTRADICTS)
        message.is_ok = !is_ok;
    if (payment->fault == FAULT_CALLBACK_DOUBLED || payment->fault == FAULT_CALLBACK_CONTRADICTS)
        send_message(callbacks, payment, message);
}
