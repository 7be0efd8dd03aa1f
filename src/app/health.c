/* The probes: what an orchestrator may decide on, and no more (docs/OPERATIONS.md). */
#include "payoutd/app/worker.h"

#include <string.h>

struct check {
    const char *name;
    bool is_fine;
};

/* Alive: the loop turns, since it answers, and no transaction hangs. Never the state of a broker or
 * of Redis. */
static size_t liveness(const struct worker *worker, struct check *ret_checks)
{
    int64_t busy_ms = kafka_publisher_busy_since_ms(worker->publisher);
    bool hangs = busy_ms != 0 && loop_now_ms() - busy_ms > worker->options->publisher_deadline_ms;
    ret_checks[0] = (struct check){"transaction in time", !hangs};
    return 1;
}

static size_t readiness(const struct worker *worker, struct check *ret_checks)
{
    ret_checks[0] = (struct check){"joined the consumer group", worker->joined_once};
    ret_checks[1] = (struct check){
        "ledger can be asked", worker->flow->ledger_up && worker->flow->recovery == RECOVERY_NONE};
    ret_checks[2] = (struct check){"transactions initialised", worker->publisher_ready};
    ret_checks[3] = (struct check){"not stopping", worker->stop_at_ms == 0};
    return 4;
}

bool health_is_ready(const struct worker *worker)
{
    struct check checks[8];
    size_t count = readiness(worker, checks);
    for (size_t i = 0; i < count; i++)
        if (!checks[i].is_fine)
            return false;
    return true;
}

static size_t startedness(const struct worker *worker, struct check *ret_checks)
{
    ret_checks[0] = (struct check){"ledger was reached", worker->ledger_up_once};
    ret_checks[1] = (struct check){"transactions initialised", worker->publisher_ready};
    return 2;
}

static void answer_checks(const struct check *checks, size_t count, bool verbose,
                          struct admin_reply *reply)
{
    bool is_fine = true;
    for (size_t i = 0; i < count; i++) {
        is_fine = is_fine && checks[i].is_fine;
        if (!verbose && checks[i].is_fine)
            continue;
        buffer_put_text(&reply->body, checks[i].is_fine ? "[+] " : "[-] ");
        buffer_put_text(&reply->body, checks[i].name);
        buffer_put_byte(&reply->body, '\n');
    }
    buffer_put_text(&reply->body, is_fine ? "ok\n" : "not ok\n");
    reply->http_status = is_fine ? 200 : 503;
}

static void answer_version(struct admin_reply *reply)
{
    reply->content_type = "application/json";
    buffer_put_text(&reply->body, "{\"name\":\"payoutd\",\"version\":\"" PAYOUTD_VERSION "\"}\n");
}

void health_answer(void *context, const char *path, bool verbose, struct admin_reply *reply)
{
    struct worker *worker = context;
    struct check checks[8];
    reply->http_status = 200;
    reply->content_type = "text/plain; charset=utf-8";
    if (strcmp(path, "/livez") == 0)
        answer_checks(checks, liveness(worker, checks), verbose, reply);
    else if (strcmp(path, "/readyz") == 0)
        answer_checks(checks, readiness(worker, checks), verbose, reply);
    else if (strcmp(path, "/startupz") == 0)
        answer_checks(checks, startedness(worker, checks), verbose, reply);
    else if (strcmp(path, "/version") == 0)
        answer_version(reply);
    else if (strcmp(path, "/metrics") == 0) {
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_write(worker, &reply->body);
    } else {
        reply->http_status = 404;
        buffer_put_text(&reply->body, "not here; try /livez /readyz /startupz /metrics /version\n");
    }
}
