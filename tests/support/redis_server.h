/*
 * redis_server: a real redis-server for one test program, on loopback, on a free port and on
 * the Unix socket `socket` in a folder of its own.
 *
 * Started with --appendonly yes unless the words say otherwise; ended by its process id, and by the
 * kernel should the test die. Failures to start or to speak are asserted: a test without its server
 * tests nothing.
 */
#ifndef TESTS_SUPPORT_REDIS_SERVER_H
#define TESTS_SUPPORT_REDIS_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct redisContext;
struct redisReply;

enum { REDIS_SERVER_WORDS_MAX = 24 };

struct redis_server {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char folder[64];
    const char
        *words[REDIS_SERVER_WORDS_MAX]; /* further words of its command line, NULL at the end */
    struct redisContext *context;
};

void redis_server_start(struct redis_server *server, const char *const *words);
void redis_server_kill(struct redis_server *server);    /* SIGKILL: its folder and port stay */
void redis_server_restart(struct redis_server *server); /* on the same port and folder */
void redis_server_stop(struct redis_server *server);    /* and its folder is removed */

/* One command by words, printf style as hiredis has it; asserted not to be an error. The caller
 * frees. */
struct redisReply *redis_server_ask(struct redis_server *server, const char *format, ...);
void redis_server_do(struct redis_server *server, const char *format, ...);
int64_t redis_server_number(struct redis_server *server, const char *format, ...);
/* A field of a hash, or a string key when `field` is NULL; "" when missing. Valid until the next
 * call. */
const char *redis_server_text(struct redis_server *server, const char *key, const char *field);

#endif
