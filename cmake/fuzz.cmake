# payoutd_fuzz(NAME name SOURCES ... LIBRARIES ...)
# One entry function, LLVMFuzzerTestOneInput, built twice:
#   corpus_<name>  always: a ctest (label corpus) that feeds every file of tests/fuzz/corpus/<name> to it once
#   fuzz_<name>    with PAYOUTD_FUZZ (clang): the same under libFuzzer, e.g.
#                  build/fuzz/tests/fuzz/fuzz_<name> -max_total_time=60 work_folder tests/fuzz/corpus/<name>
function(payoutd_fuzz)
  cmake_parse_arguments(FUZZ "" "NAME" "SOURCES;LIBRARIES" ${ARGN})
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${FUZZ_NAME})

  add_executable(corpus_${FUZZ_NAME} ${FUZZ_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_main.c)
  target_link_libraries(corpus_${FUZZ_NAME} PRIVATE payoutd_flags ${FUZZ_LIBRARIES})
  add_test(NAME corpus_${FUZZ_NAME} COMMAND corpus_${FUZZ_NAME} ${corpus})
  set_tests_properties(corpus_${FUZZ_NAME} PROPERTIES LABELS corpus TIMEOUT 120)

  if(PAYOUTD_FUZZ)
    add_executable(fuzz_${FUZZ_NAME} ${FUZZ_SOURCES})
    target_link_libraries(fuzz_${FUZZ_NAME} PRIVATE payoutd_flags ${FUZZ_LIBRARIES})
    target_link_options(fuzz_${FUZZ_NAME} PRIVATE -fsanitize=fuzzer)
  endif()
endfunction()
