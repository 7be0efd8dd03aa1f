/*
 * bounds: the core's fixed sizes. The model checker (tests/model) compiles the same sources with
 * tiny ones, so that a snapshot of a whole fleet is a few kilobytes.
 */
#ifndef PAYOUTD_BASE_BOUNDS_H
#define PAYOUTD_BASE_BOUNDS_H

#ifdef PAYOUTD_TINY_BOUNDS
#define BOUND(usual, tiny) (tiny)
#else
#define BOUND(usual, tiny) (usual)
#endif

#endif
