/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_LIST_H
#define SOTTO_UTIL_LIST_H
/* An intrusive doubly linked list. A zeroed node is in no list; the head is a node that points to itself when empty. */
#include <stdbool.h>
#include <stddef.h>

struct node {
    struct node *next, *prev;
};

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void sotto__list_init(struct node *head)
{
    head->next = head->prev = head;
}

static inline bool sotto__list_empty(const struct node *head)
{
    return !head->next || head->next == head;
}

static inline bool sotto__list_linked(const struct node *n)
{
    return n->next != NULL;
}

static inline void sotto__list_push(struct node *head, struct node *n) /* to the tail */
{
    n->prev = head->prev, n->next = head;
    head->prev->next = n, head->prev = n;
}

static inline void sotto__list_remove(struct node *n) /* fine when in no list */
{
    if (!n->next) return;
    n->prev->next = n->next, n->next->prev = n->prev;
    n->next = n->prev = NULL;
}

static inline struct node *sotto__list_pop(struct node *head) /* from the front; NULL: empty */
{
    if (sotto__list_empty(head)) return NULL;
    struct node *n = head->next;
    sotto__list_remove(n);
    return n;
}

#endif
