/* payout-sandbox: builds the parts, says where they listen, turns the loop, ends on a signal. */
#include "admin.h"
#include "call.h"
#include "callbacks.h"
#include "certificates.h"
#include "kafka_mock.h"

#include <event2/buffer.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URL_MAX = 128, PATH_MAX_LEN = 1024, EXIT_NOT_STARTED = 1 };

struct program {
    struct sandbox sandbox;
    SSL_CTX *tls, *tls_untrusted;
    struct event *on_term, *on_int;
    char gateway_url[URL_MAX], admin_url[URL_MAX], ca_file[PATH_MAX_LEN];
};

static void on_signal(evutil_socket_t signal_number, short what, void *context)
{
    struct program *program = context;
    (void) signal_number, (void) what;
    event_base_loopbreak(program->sandbox.base);
}

static enum status open_servers(struct program *program)
{
    struct sandbox *sandbox = &program->sandbox;
    const struct options *options = &sandbox->options;
    struct http_server_options gateway = {.base = sandbox->base,
                                          .address = options->listen,
                                          .port = (uint16_t) options->port,
                                          .tls = program->tls,
                                          .tls_untrusted = program->tls_untrusted,
                                          .handle = endpoint_handle,
                                          .greet = endpoint_greet,
                                          .context = sandbox};
    struct http_server_options admin = {.base = sandbox->base,
                                        .address = options->admin_listen,
                                        .port = (uint16_t) options->admin_port,
                                        .handle = admin_handle,
                                        .context = sandbox};
    TRY(http_server_new(&gateway, &sandbox->gateway));
    return http_server_new(&admin, &sandbox->admin);
}

static enum status open_all(struct program *program)
{
    struct sandbox *sandbox = &program->sandbox;
    const struct options *options = &sandbox->options;
    TRY(certificates_prepare(options->directory, options->names, options->names_count));
    TRY(certificates_server(options->directory, &program->tls));
    TRY(certificates_untrusted(&program->tls_untrusted));
    sandbox->base = event_base_new();
    must(sandbox->base != NULL);
    random_init(&sandbox->random, (uint64_t) options->seed);
    sandbox->later = later_list_new(sandbox->base);
    sandbox->book = book_new((size_t) options->ledger_max);
    TRY(ledger_new((size_t) options->ledger_max, options->ledger_file, &sandbox->ledger));
    TRY(callbacks_new(sandbox, &sandbox->callbacks));
    TRY(open_servers(program));
    if (options->kafka)
        TRY(kafka_mock_new(sandbox->base, (uint16_t) options->kafka_port, options->topics,
                           &sandbox->kafka));
    program->on_term = evsignal_new(sandbox->base, SIGTERM, on_signal, program);
    program->on_int = evsignal_new(sandbox->base, SIGINT, on_signal, program);
    must(program->on_term != NULL && program->on_int != NULL);
    must(evsignal_add(program->on_term, NULL) == 0 && evsignal_add(program->on_int, NULL) == 0);
    return STATUS_OK;
}

static void close_all(struct program *program)
{
    struct sandbox *sandbox = &program->sandbox;
    later_list_free(sandbox->later); /* ends the exchanges that still wait */
    http_server_free(sandbox->gateway);
    http_server_free(sandbox->admin);
    callbacks_free(sandbox->callbacks);
    kafka_mock_free(sandbox->kafka);
    ledger_free(sandbox->ledger);
    book_free(sandbox->book);
    if (program->on_term != NULL)
        event_free(program->on_term);
    if (program->on_int != NULL)
        event_free(program->on_int);
    if (sandbox->base != NULL)
        event_base_free(sandbox->base);
    SSL_CTX_free(program->tls);
    SSL_CTX_free(program->tls_untrusted);
}

static void name_addresses(struct program *program)
{
    struct sandbox *sandbox = &program->sandbox;
    snprintf(program->gateway_url, URL_MAX, "https://%s:%u", sandbox->options.listen,
             http_server_port(sandbox->gateway));
    snprintf(program->admin_url, URL_MAX, "http://%s:%u", sandbox->options.admin_listen,
             http_server_port(sandbox->admin));
    char *folder = realpath(sandbox->options.directory, NULL);
    must(folder != NULL);
    snprintf(program->ca_file, sizeof program->ca_file, "%s/ca.pem", folder);
    free(folder);
    printf("gateway  %s  (CA: %s)\nadmin    %s\n", program->gateway_url, program->ca_file,
           program->admin_url);
    for (size_t i = 0; i < sandbox->merchants.count; i++)
        printf("merchant %s\n", sandbox->merchants.items[i].id);
    if (sandbox->kafka != NULL)
        printf("kafka    %s  (%s)\n", kafka_mock_bootstrap(sandbox->kafka),
               sandbox->options.topics);
    fflush(stdout);
}

/* Written aside and renamed: whoever waits for the file finds it whole. */
static enum status write_ready_file(const struct program *program)
{
    const struct sandbox *sandbox = &program->sandbox;
    const char *file = sandbox->options.ready_file;
    char aside[PATH_MAX_LEN];
    if (snprintf(aside, sizeof aside, "%s.new", file) >= (int) sizeof aside)
        return STATUS_TOO_LARGE;
    struct evbuffer *out = evbuffer_new();
    struct json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_put_text(&json, "gateway_url", program->gateway_url);
    json_put_text(&json, "admin_url", program->admin_url);
    json_put_text(&json, "ca_file", program->ca_file);
    json_put_number(&json, "gateway_port", http_server_port(sandbox->gateway));
    json_put_number(&json, "admin_port", http_server_port(sandbox->admin));
    json_put_text(&json, "kafka_bootstrap",
                  sandbox->kafka == NULL ? "" : kafka_mock_bootstrap(sandbox->kafka));
    json_put_text(&json, "merchant", sandbox->merchants.items[0].id);
    json_put_number(&json, "pid", getpid());
    json_close(&json, '}');
    FILE *stream = fopen(aside, "we");
    size_t len = evbuffer_get_length(out);
    bool fine = stream != NULL && fwrite(evbuffer_pullup(out, -1), 1, len, stream) == len;
    fine = (stream == NULL || fclose(stream) == 0) && fine && rename(aside, file) == 0;
    evbuffer_free(out);
    if (!fine)
        fprintf(stderr, "payout-sandbox: cannot write %s\n", file);
    return fine ? STATUS_OK : STATUS_ENVIRONMENT;
}

static enum status run(struct program *program)
{
    TRY(open_all(program));
    name_addresses(program);
    if (program->sandbox.options.ready_file != NULL)
        TRY(write_ready_file(program));
    return event_base_dispatch(program->sandbox.base) < 0 ? STATUS_ENVIRONMENT : STATUS_OK;
}

int main(int argc, char **argv)
{
    static struct program program;
    switch (options_read(argc, argv, &program.sandbox.options)) {
    case OPTIONS_RUN:
        break;
    case OPTIONS_HELP:
        options_print_help();
        return EXIT_SUCCESS;
    case OPTIONS_VERSION:
        printf("payout-sandbox " PAYOUTD_VERSION "\n");
        return EXIT_SUCCESS;
    case OPTIONS_FAULTS:
        fault_print_table();
        return EXIT_SUCCESS;
    case OPTIONS_WRONG:
        return OPTIONS_EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    if (merchants_load(&program.sandbox.options, &program.sandbox.merchants) != STATUS_OK)
        return OPTIONS_EXIT_USAGE;
    enum status status = run(&program);
    if (status != STATUS_OK)
        fprintf(stderr, "payout-sandbox: could not go on: %s\n", status_sentence(status));
    if (program.sandbox.options.ready_file != NULL)
        unlink(program.sandbox.options.ready_file);
    close_all(&program);
    if (status == STATUS_CONFIG)
        return OPTIONS_EXIT_USAGE;
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_NOT_STARTED;
}
