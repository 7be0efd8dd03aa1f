/*
 * yaml_tree: a YAML file as a tree of texts, lists and maps that know their line and column.
 *
 * Stricter than YAML: no anchors, aliases or tags, one document, keys are texts and stand once, 256
 * KiB, 8 levels.
 */
#ifndef PAYOUTD_APP_YAML_TREE_H
#define PAYOUTD_APP_YAML_TREE_H

#include "payoutd/app/memory.h"
#include "payoutd/app/problems.h"

enum { YAML_TREE_FILE_MAX = 256 * 1024, YAML_TREE_DEPTH_MAX = 8 };

enum tree_kind {
    TREE_NULL, /* nothing, ~ or null */
    TREE_TEXT,
    TREE_LIST,
    TREE_MAP,
    TREE_REFUSED, /* a problem has been reported already: pass over it */
};

struct tree_node {
    enum tree_kind kind;
    struct place place;
    const char *text; /* TREE_TEXT, and what a TREE_NULL looks like */
    bool quoted;
    const char *key; /* when the parent is a map */
    struct place key_place;
    struct tree_node *first, *next; /* children of a list or map, in the file's order */
};

/* STATUS_CONFIG after a problem that makes the rest unreadable. An empty file gives a TREE_NULL. */
MUST_USE enum status yaml_tree_read(const char *file, struct memory *memory,
                                    struct problems *problems, struct tree_node **ret_root);

#endif
