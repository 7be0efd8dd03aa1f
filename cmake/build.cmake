# How every target of this project is compiled. Options are set by CMakePresets.json.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(PAYOUTD_TESTS "Build the tests" ON)
option(PAYOUTD_WERROR "Warnings are errors" ON)
option(PAYOUTD_HARDENING "Hardening flags for a release" OFF)
option(PAYOUTD_COVERAGE "Count executed lines (gcov)" OFF)
option(PAYOUTD_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(PAYOUTD_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

add_library(payoutd_flags INTERFACE)
target_include_directories(payoutd_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(payoutd_flags INTERFACE _GNU_SOURCE PAYOUTD_VERSION="${PROJECT_VERSION}")
target_compile_options(payoutd_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wswitch-enum -Wundef
  -Wformat=2 -Wvla -fno-common -fno-strict-aliasing
  $<$<C_COMPILER_ID:Clang>:-Wno-string-conversion>) # must(!"why this cannot be")
if(PAYOUTD_WERROR)
  target_compile_options(payoutd_flags INTERFACE -Werror)
endif()
if(PAYOUTD_SANITIZE)
  target_compile_options(payoutd_flags INTERFACE
    -fsanitize=${PAYOUTD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(payoutd_flags INTERFACE -fsanitize=${PAYOUTD_SANITIZE})
endif()
if(PAYOUTD_FUZZ)
  target_compile_options(payoutd_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(payoutd_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(PAYOUTD_COVERAGE)
  target_compile_options(payoutd_flags INTERFACE --coverage)
  target_link_options(payoutd_flags INTERFACE --coverage)
endif()
if(PAYOUTD_HARDENING)
  target_compile_options(payoutd_flags INTERFACE
    -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE)
  target_link_options(payoutd_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
