# payoutd_embed(OUTPUT file.c PRELUDE file FILES a.lua b.lua ...): each, behind the prelude, as a NUL-terminated array
# `embedded_<name>`. Bytes rather than literals: the standard promises only 4,095 characters of a literal.
# The same file is the script that does the work at build time (cmake -P).
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${PRELUDE}" prelude HEX)
  set(text "/* Made by cmake/embed.cmake. */\n")
  string(REPLACE "," ";" files "${FILES}")
  foreach(path IN LISTS files)
    get_filename_component(name "${path}" NAME_WE)
    file(READ "${path}" body HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${prelude}${body}00")
    string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes "${bytes}")
    string(APPEND text "extern const char embedded_${name}[];\nconst char embedded_${name}[] = {\n${bytes}};\n")
  endforeach()
  file(WRITE "${OUTPUT}" "${text}")
  return()
endif()

set(PAYOUTD_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")
function(payoutd_embed)
  cmake_parse_arguments(EMBED "" "OUTPUT;PRELUDE" "FILES" ${ARGN})
  list(JOIN EMBED_FILES "," files)
  add_custom_command(OUTPUT "${EMBED_OUTPUT}"
    COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${EMBED_OUTPUT}" "-DPRELUDE=${EMBED_PRELUDE}" "-DFILES=${files}"
            -P "${PAYOUTD_EMBED_SCRIPT}"
    DEPENDS "${EMBED_PRELUDE}" ${EMBED_FILES} "${PAYOUTD_EMBED_SCRIPT}"
    VERBATIM)
endfunction()
