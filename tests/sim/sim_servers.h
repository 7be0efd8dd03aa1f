/*
 * sim_servers: what the simulator keeps of Kafka and of the gateway, which live on whatever becomes
 * of the workers.
 */
#ifndef TESTS_SIM_SERVERS_H
#define TESTS_SIM_SERVERS_H

#include "payoutd/codec/done_set.h"
#include "payoutd/flow/flow.h"
#include "sim_redis.h"

enum {
    SIM_WORKERS_MAX = 3,
    SIM_COMMAND_PARTITIONS_MAX = 3,
    SIM_PARTITIONS_MAX = SIM_COMMAND_PARTITIONS_MAX + 2, /* the last ones are the resolutions' */
    SIM_RECORDS_MAX = 96,                                /* of one partition, gaps not counted */
    SIM_REQUESTS_MAX = 512,
    SIM_ATTEMPTS_MAX = 64,
    SIM_ASKS_MAX = 256,
    SIM_MERCHANTS = 2,
    SIM_PRODUCERS_MAX = 24,
    SIM_OUTCOMES_MAX = 1024,
    SIM_METADATA_MAX = 800, /* so few records need no more */
    SIM_NAME_MAX = 16,
};

/* Kafka. */

struct sim_record {
    int64_t offset, timestamp_ms, not_after_ms;
    int order, words, merchant; /* words: what the fingerprint stands for */
    enum decoded_kind kind;
    /* Resolutions. */
    enum evidence evidence;
    char instance[33], payment_id[24], body[SIM_BODY_MAX];
    int32_t attempt;
    enum order_state state;
};

struct sim_partition {
    enum flow_topic topic;
    int32_t number;
    struct sim_record records[SIM_RECORDS_MAX];
    size_t count;
    int64_t end; /* next offset */
    /* The group's committed offset. */
    int64_t committed;
    char metadata[SIM_METADATA_MAX];
    size_t metadata_len;
    int pending; /* open transactions that carry an offset of it */
    int owner;   /* by the group's last assignment; -1: none */
    /* For the checker. */
    bool done[SIM_RECORDS_MAX], letter[SIM_RECORDS_MAX]; /* by place of the record */
    int64_t ceiling, ceiling_ever;        /* the latter whatever an operator set back */
    int64_t own_ceiling[SIM_WORKERS_MAX]; /* committed by this life */
    uint32_t own_life[SIM_WORKERS_MAX];
};

struct sim_message {
    int order, place; /* partition and record that made it */
    size_t record;
    bool is_letter;
    enum order_state state;
    int32_t attempt;
    int64_t sequence;
    bool doubt, replayed;
    enum payout_end end;
    char body[SIM_BODY_MAX];
};

struct sim_offset {
    int place;
    int64_t offset;
    char metadata[SIM_METADATA_MAX];
    size_t len;
};

enum { SIM_MESSAGES_MAX = 24 };
struct sim_batch {
    uint64_t number;
    struct sim_message messages[SIM_MESSAGES_MAX];
    size_t messages_count;
    struct sim_offset offsets[SIM_PARTITIONS_MAX];
    size_t offsets_count;
    int32_t generation;
    uint32_t member;
};

/* The coordinator's view of one transactional id. */
struct sim_producer {
    uint32_t epoch;
    bool open;
    uint64_t transaction; /* number, so that a time-out knows its own */
    struct sim_batch batch;
    bool has_offsets;
    int worker;
    uint32_t life;
};

struct sim_member {
    bool in;     /* of the group */
    uint32_t id; /* 0: none yet */
    bool ready;  /* has given its partitions back: the rebalance may go on */
};

struct sim_kafka {
    struct sim_partition partitions[SIM_PARTITIONS_MAX];
    size_t commands_count, partitions_count;
    struct sim_member members[SIM_WORKERS_MAX];
    int32_t generation;
    bool rebalancing;
    uint64_t rebalance, transactions;
    uint32_t next_member;
    struct sim_producer producers[SIM_PRODUCERS_MAX];
    size_t producers_count;
    bool fresh_ids; /* every life has a transactional id of its own, as in a Deployment */
};

/* The gateway. */

enum sim_plan {
    PLAN_PAID,
    PLAN_PENDING_PAID,
    PLAN_PENDING_FAILED,
    PLAN_REFUSED,
    PLAN_NOTHING, /* never arrives */
};

struct sim_request {
    int order, words, worker;
    int32_t attempt;
    uint64_t tag;
    uint32_t life;
    bool is_over; /* the client has its result */
    enum sim_plan plan;
    enum error_class class;
    bool silent, garbled;
};

struct sim_payment {
    int order, words;
    size_t request;
    int64_t made_ms, ends_ms; /* until then: process */
    bool fails;               /* what it ends as */
    enum error_class class;
    char id[24];
};

struct sim_gateway {
    struct sim_request requests[SIM_REQUESTS_MAX];
    size_t requests_count;
    struct sim_payment payments[SIM_REQUESTS_MAX];
    size_t payments_count;
    int travelling; /* requests that have not arrived yet */
};

#endif
