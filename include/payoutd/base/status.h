/*
 * status: how every function of this project says that it failed.
 *
 * One list of codes. Each has a class, which decides what the caller does, and a sentence for
 * people. Results go through `ret_` parameters, come last, and are untouched on failure.
 */
#ifndef PAYOUTD_BASE_STATUS_H
#define PAYOUTD_BASE_STATUS_H

/* What a caller does about a failure. */
enum status_class {
    STATUS_CLASS_OK,
    STATUS_CLASS_RETRY,   /* the same call may work later */
    STATUS_CLASS_REFUSE,  /* the input is wrong and stays wrong */
    STATUS_CLASS_UNKNOWN, /* it may have happened: ask, never repeat */
    STATUS_CLASS_CONFIG,  /* a person must change the configuration or the environment */
    STATUS_CLASS_BUG,     /* ours */
};

/* code, class, sentence */
#define STATUS_LIST(X)                                                                       \
    X(STATUS_OK, OK, "fine")                                                                 \
    X(STATUS_NO_ROOM, RETRY, "a bounded store is full")                                      \
    X(STATUS_UNAVAILABLE, RETRY, "the other side cannot be reached now")                     \
    X(STATUS_TIMED_OUT, UNKNOWN, "no answer came in time")                                   \
    X(STATUS_LOST_ANSWER, UNKNOWN, "the link broke before the answer: it may have happened") \
    X(STATUS_SYNTAX, REFUSE, "the text does not follow its grammar")                         \
    X(STATUS_TOO_LARGE, REFUSE, "the input is larger than its limit")                        \
    X(STATUS_TOO_DEEP, REFUSE, "the input is nested deeper than its limit")                  \
    X(STATUS_UNKNOWN_FIELD, REFUSE, "the input has a field that is not in the contract")     \
    X(STATUS_DUPLICATE_FIELD, REFUSE, "the input has a field twice")                         \
    X(STATUS_MISSING_FIELD, REFUSE, "the input lacks a required field")                      \
    X(STATUS_BAD_FIELD, REFUSE, "a field's value is not allowed by the contract")            \
    X(STATUS_UNKNOWN_TYPE, REFUSE, "the input is of another type than this topic carries")   \
    X(STATUS_BAD_SIGNATURE, UNKNOWN, "the signature does not verify")                        \
    X(STATUS_FOREIGN_DATA, REFUSE, "stored data was not written by this version")            \
    X(STATUS_CONFIG, CONFIG, "the configuration is wrong")                                   \
    X(STATUS_ENVIRONMENT, CONFIG, "something this program needs is missing or set up wrong") \
    X(STATUS_UNSAFE, CONFIG, "going on would not be safe")                                   \
    X(STATUS_BUG, BUG, "this program is wrong")

#define STATUS_ENUM(code, class, sentence) code,
enum status { STATUS_LIST(STATUS_ENUM) STATUS_COUNT };
#undef STATUS_ENUM

#define MUST_USE __attribute__((warn_unused_result))

/* Facts about a code. Any value is accepted; one out of the list counts as STATUS_BUG. */
enum status_class status_class(enum status status);
const char *status_name(enum status status);
const char *status_sentence(enum status status);

/* Leave the function with the status of a call that failed. */
#define TRY(call)                         \
    do {                                  \
        enum status try_status_ = (call); \
        if (try_status_ != STATUS_OK)     \
            return try_status_;           \
    } while (0)

/* Our own bugs: prints the place and aborts, in release builds too. */
_Noreturn void status_must_fail(const char *condition, const char *file, int line);
#define must(condition) ((condition) ? (void) 0 : status_must_fail(#condition, __FILE__, __LINE__))

#endif
