/* The loop's turn: facts have come in, actions go out. Everything else is a conversation of its
 * own. */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/log.h"

#include <openssl/rand.h>
#include <signal.h>
#include <string.h>

enum { TURN_MAX_MS = 500, STOP_SLACK_MS = 2000, HUNG_DRAIN_MS = 5000 };

struct moment worker_moment(void)
{
    return (struct moment){loop_now_ms(), loop_wall_ms()};
}

void worker_feed(struct worker *worker, const struct flow_event *event)
{
    struct moment moment = worker_moment();
    worker->fed_meanwhile = worker->fed_meanwhile || worker->performing;
    flow_feed(worker->flow, event, &moment);
}

struct parcel *worker_parcel(struct worker *worker, const struct payout *payout)
{
    return &worker->parcels[payout->slot];
}

uint16_t worker_merchant_at(const struct worker *worker, struct bytes merchant_id)
{
    for (size_t i = 0; i < worker->options->merchants_count; i++)
        if (bytes_equal(worker->secrets->profiles[i].merchant_id, merchant_id))
            return (uint16_t) i;
    return UINT16_MAX;
}

const struct gateway_profile *worker_profile(struct worker *worker, struct payout *payout)
{
    if (payout->merchant_at == UINT16_MAX && payout->merchant_id.len > 0)
        payout->merchant_at = worker_merchant_at(worker, payout->merchant_id);
    return payout->merchant_at == UINT16_MAX ? NULL
                                             : &worker->secrets->profiles[payout->merchant_at];
}

/* Random bytes in portions: one call of the generator serves some thirty payouts. */
static void random_bytes(uint8_t *ret, size_t len)
{
    static uint8_t pool[1024];
    static size_t left;
    must(len <= sizeof pool);
    if (left < len) {
        int is_fine = RAND_bytes(pool, sizeof pool);
        must(is_fine == 1);
        left = sizeof pool;
    }
    left -= len;
    memcpy(ret, pool + left, len);
    memset(pool + left, 0, len);
}

static void spell(char *ret_text, size_t len, const char *letters, uint8_t mask)
{
    uint8_t random[64];
    must(len <= sizeof random);
    random_bytes(random, len);
    for (size_t i = 0; i < len; i++)
        ret_text[i] = letters[random[i] & mask];
}

void worker_random_text(char *ret_text, size_t len)
{
    spell(ret_text, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Zz", 63);
}

void worker_random_hex(char *ret_text, size_t len)
{
    spell(ret_text, len, "0123456789abcdef", 15);
}

/* Ending. */

void worker_end(struct worker *worker, int exit_code, int64_t drain_ms)
{
    if (worker->exit_code == WORKER_EXIT_OK)
        worker->exit_code = exit_code;
    int64_t stop_at_ms = loop_now_ms() + drain_ms + STOP_SLACK_MS;
    if (worker->stop_at_ms == 0 || stop_at_ms < worker->stop_at_ms)
        worker->stop_at_ms = stop_at_ms;
    worker_feed(worker, &(struct flow_event){.kind = FLOW_STOP, .drain_ms = drain_ms});
}

static void on_signal(void *context, int signal_number)
{
    struct worker *worker = context;
    worker->signals++;
    bool at_once = worker->signals > 1;
    LOG(LOG_LEVEL_INFO, "worker.stopping",
        at_once ? "a second signal: ends now, in order" : "ends what is under way, then stops",
        LOG_INT("process.signal", signal_number));
    worker_end(worker, WORKER_EXIT_OK, at_once ? 0 : worker->options->worker_drain_ms);
}

/* A call of the publisher's thread may never come back (docs/ARCHITECTURE.md): then the process
 * ends in order. */
static void watch_publisher(struct worker *worker, int64_t now_ms)
{
    int64_t since_ms = kafka_publisher_busy_since_ms(worker->publisher);
    if (since_ms == 0 || worker->stop_at_ms != 0 ||
        now_ms - since_ms < worker->options->publisher_deadline_ms)
        return;
    LOG(LOG_LEVEL_ERROR, "publisher.hung",
        "a transaction has not come back in time: this process ends, so that it is started anew; "
        "nothing is lost",
        LOG_INT("publisher.busy_ms", now_ms - since_ms));
    worker_end(worker, WORKER_EXIT_HUNG, HUNG_DRAIN_MS);
}

/* Actions. */

static void end_payout(struct worker *worker, struct payout *payout)
{
    telling_ended(worker, payout);
    if (payout->has_outcome && payout->end == END_OUTCOME)
        asking_mark_published(worker, payout);
    flow_let_go(worker->flow, payout);
}

static void perform_on_partition(struct worker *worker, const struct flow_action *action)
{
    enum source_topic topic = action->topic == FLOW_COMMANDS ? SOURCE_COMMANDS : SOURCE_RESOLUTIONS;
    if (action->kind == ACTION_PAUSE)
        kafka_source_pause(worker->source, topic, action->partition);
    else
        kafka_source_resume(worker->source, topic, action->partition);
}

static void perform(struct worker *worker, const struct flow_action *action)
{
    struct payout *payout = flow_payout(worker->flow, action->payout);
    switch (action->kind) {
    case ACTION_LEDGER:
        asking_ask(worker, payout);
        return;
    case ACTION_PAY:
        sending_pay(worker, payout);
        return;
    case ACTION_ASK:
        sending_ask_status(worker, payout);
        return;
    case ACTION_TELL:
        publishing_tell(worker, payout);
        return;
    case ACTION_PUBLISH:
        publishing_submit(worker, action->batch);
        return;
    case ACTION_ENDED:
        end_payout(worker, payout);
        return;
    case ACTION_PAUSE:
    case ACTION_RESUME:
        perform_on_partition(worker, action);
        return;
    case ACTION_SCAN:
        following_scan(worker, action);
        return;
    case ACTION_WIPE:
        following_wipe(worker, action);
        return;
    case ACTION_RESTORE:
        recovering_start(worker);
        return;
    case ACTION_LOOK:
        following_look(worker, action->payout);
        return;
    case ACTION_INQUIRE:
        following_inquire(worker, action->payout);
        return;
    case ACTION_REPORT:
        following_report(worker, action->payout);
        return;
    case ACTION_RELEASE:
        kafka_source_release(worker->source);
        return;
    case ACTION_STOPPED:
        loop_stop(worker->loop);
        return;
    case ACTION_NOTE:
        telling_note(worker, action);
        return;
    }
}

static int64_t turn(void *context)
{
    struct worker *worker = context;
    struct moment moment = worker_moment();
    worker->turned_ms = moment.now_ms;
    intake_poll(worker);
    worker->actions.count = 0;
    int64_t wait_ms = flow_turn(worker->flow, &moment, &worker->actions);
    worker->performing = true;
    worker->fed_meanwhile = false;
    for (size_t i = 0; i < worker->actions.count; i++)
        perform(worker, &worker->actions.items[i]);
    worker->performing = false;
    watch_publisher(worker, moment.now_ms);
    if (worker->stop_at_ms != 0 && moment.now_ms >= worker->stop_at_ms)
        loop_stop(worker->loop);
    if (worker->fed_meanwhile || (worker->records_wait && flow_room(worker->flow) > 0))
        return 0;
    return wait_ms >= 0 && wait_ms < TURN_MAX_MS ? wait_ms : TURN_MAX_MS;
}

int worker_run(struct worker *worker)
{
    enum status status = loop_signal(worker->loop, SIGTERM, on_signal, worker);
    if (status == STATUS_OK)
        status = loop_signal(worker->loop, SIGINT, on_signal, worker);
    if (status == STATUS_OK)
        status = loop_run(worker->loop, turn, worker);
    if (status != STATUS_OK) {
        LOG(LOG_LEVEL_ERROR, "worker.loop_failed", status_sentence(status),
            LOG_TEXT("error.code", status_name(status)));
        return WORKER_EXIT_ENVIRONMENT;
    }
    LOG(LOG_LEVEL_INFO, "worker.stopped", "everything that was begun has ended, or is recorded",
        LOG_INT("process.exit_code", worker->exit_code));
    return worker->exit_code;
}
