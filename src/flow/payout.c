/* Names and lists of payouts: a state is a list, and a payout is in one list at most. */
#include "payoutd/flow/payout.h"

const char *payout_step_name(enum payout_step step)
{
    static const char *const names[STEP_COUNT] = {
        "free",     "decoding", "waiting",  "claiming", "paying",     "reopening",
        "doubting", "asking",   "settling", "telling",  "publishing", "ended",
    };
    return (unsigned) step < STEP_COUNT ? names[step] : "?";
}

const char *payout_end_name(enum payout_end end)
{
    static const char *const names[] = {"outcome", "duplicate", "conflict", "unreadable",
                                        "too_old", "done",      "dropped"};
    return (unsigned) end <= END_DROPPED ? names[end] : "?";
}

void payout_list_init(struct payout_list *list)
{
    *list = (struct payout_list){.head = PAYOUT_NONE, .tail = PAYOUT_NONE};
}

void payout_list_append(struct payout *pool, struct payout_list *list, struct payout *payout)
{
    must(payout->list == NULL);
    payout->list = list;
    payout->next = PAYOUT_NONE;
    payout->previous = list->tail;
    if (list->tail == PAYOUT_NONE)
        list->head = payout->slot;
    else
        pool[list->tail].next = payout->slot;
    list->tail = payout->slot;
    list->count++;
}

void payout_list_prepend(struct payout *pool, struct payout_list *list, struct payout *payout)
{
    must(payout->list == NULL);
    payout->list = list;
    payout->previous = PAYOUT_NONE;
    payout->next = list->head;
    if (list->head == PAYOUT_NONE)
        list->tail = payout->slot;
    else
        pool[list->head].previous = payout->slot;
    list->head = payout->slot;
    list->count++;
}

void payout_list_remove(struct payout *pool, struct payout *payout)
{
    struct payout_list *list = payout->list;
    if (list == NULL)
        return;
    if (payout->previous == PAYOUT_NONE)
        list->head = payout->next;
    else
        pool[payout->previous].next = payout->next;
    if (payout->next == PAYOUT_NONE)
        list->tail = payout->previous;
    else
        pool[payout->next].previous = payout->previous;
    list->count--;
    payout->list = NULL;
}

struct payout *payout_list_first(struct payout *pool, const struct payout_list *list)
{
    return list->head == PAYOUT_NONE ? NULL : &pool[list->head];
}

struct payout *payout_list_after(struct payout *pool, const struct payout *payout)
{
    return payout->next == PAYOUT_NONE ? NULL : &pool[payout->next];
}
