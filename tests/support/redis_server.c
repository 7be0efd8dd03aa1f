/* Starts, asks, kills and removes the redis-server of a test program. */
#include "redis_server.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { READY_TRIES = 1000, READY_STEP_MS = 10 };

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void run_server(const struct redis_server *server)
{
    char port[8], log[96], path[96];
    const char *words[REDIS_SERVER_WORDS_MAX + 16] = {"redis-server",
                                                      "--port",
                                                      port,
                                                      "--bind",
                                                      "127.0.0.1",
                                                      "--dir",
                                                      server->folder,
                                                      "--save",
                                                      "",
                                                      "--appendonly",
                                                      "yes",
                                                      "--logfile",
                                                      log,
                                                      "--unixsocket",
                                                      path};
    size_t count = 15;
    snprintf(port, sizeof port, "%u", server->port);
    snprintf(log, sizeof log, "%s/log", server->folder);
    snprintf(path, sizeof path, "%s/socket", server->folder);
    for (size_t i = 0; server->words[i] != NULL; i++)
        words[count++] = server->words[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp("redis-server", (char *const *) (uintptr_t) words);
    _exit(127);
}

/* A server is ready when it answers PING with PONG: not merely listening, and not loading. */
static redisContext *connect_ready(const struct redis_server *server)
{
    for (int i = 0; i < READY_TRIES; i++) {
        redisContext *context = redisConnect("127.0.0.1", server->port);
        assert_non_null(context);
        redisReply *reply = context->err == 0 ? redisCommand(context, "PING") : NULL;
        bool ready = reply != NULL &&
                     (reply->type == REDIS_REPLY_STATUS || strncmp(reply->str, "NOAUTH", 6) == 0);
        if (reply != NULL)
            freeReplyObject(reply);
        if (ready)
            return context;
        redisFree(context);
        assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0);
        nanosleep(&(struct timespec){.tv_nsec = READY_STEP_MS * 1000000L}, NULL);
    }
    fail_msg("redis-server is not ready");
    return NULL;
}

void redis_server_restart(struct redis_server *server)
{
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        run_server(server);
    server->context = connect_ready(server);
}

void redis_server_start(struct redis_server *server, const char *const *words)
{
    *server = (struct redis_server){.folder = "/tmp/payoutd-redis-XXXXXX"};
    for (size_t i = 0; words != NULL && words[i] != NULL; i++)
        server->words[i] = words[i];
    assert_non_null(mkdtemp(server->folder));
    server->port = free_port();
    redis_server_restart(server);
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid == 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
    redisFree(server->context);
    server->context = NULL;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void) about, (void) kind, (void) place;
    return remove(path);
}

void redis_server_stop(struct redis_server *server)
{
    redis_server_kill(server);
    nftw(server->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static redisReply *ask(struct redis_server *server, const char *format, va_list arguments)
{
    redisReply *reply = redisvCommand(server->context, format, arguments);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, reply->str);
    return reply;
}

redisReply *redis_server_ask(struct redis_server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = ask(server, format, arguments);
    va_end(arguments);
    return reply;
}

void redis_server_do(struct redis_server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    freeReplyObject(ask(server, format, arguments));
    va_end(arguments);
}

int64_t redis_server_number(struct redis_server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = ask(server, format, arguments);
    va_end(arguments);
    int64_t number = reply->type == REDIS_REPLY_INTEGER  ? reply->integer
                     : reply->type == REDIS_REPLY_STRING ? atoll(reply->str)
                                                         : -1;
    freeReplyObject(reply);
    return number;
}

const char *redis_server_text(struct redis_server *server, const char *key, const char *field)
{
    static char text[4096];
    redisReply *reply = field == NULL ? redis_server_ask(server, "GET %s", key)
                                      : redis_server_ask(server, "HGET %s %s", key, field);
    snprintf(text, sizeof text, "%s", reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
    return text;
}
