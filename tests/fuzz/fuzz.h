/* fuzz: what libFuzzer and the corpus runner both call. A target defines it, and returns 0. */
#ifndef PAYOUTD_TESTS_FUZZ_H
#define PAYOUTD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
