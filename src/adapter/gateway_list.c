/* The lists that the requests to the gateway stand in. */
#include "gateway_handle.h"

void gateway_list_put(struct gateway_list *list, struct gateway_slot *slot)
{
    slot->next = NULL;
    slot->previous = list->last;
    *(list->last == NULL ? &list->first : &list->last->next) = slot;
    list->last = slot;
    list->count++;
}

void gateway_list_take(struct gateway_list *list, struct gateway_slot *slot)
{
    *(slot->previous == NULL ? &list->first : &slot->previous->next) = slot->next;
    *(slot->next == NULL ? &list->last : &slot->next->previous) = slot->previous;
    list->count--;
}

void gateway_list_free(struct gateway_list *list)
{
    while (list->first != NULL) {
        struct gateway_slot *slot = list->first;
        gateway_list_take(list, slot);
        gateway_handle_free(slot);
    }
}
