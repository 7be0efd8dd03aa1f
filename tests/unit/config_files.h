/* config_files: the files that the configuration's tests write and read. */
#ifndef PAYOUTD_TESTS_CONFIG_FILES_H
#define PAYOUTD_TESTS_CONFIG_FILES_H

#include <stddef.h>
#include <sys/types.h>

enum { CONFIG_TEXT_MAX = 256 * 1024 };

void config_files_put(const char *name, const char *content, size_t len, mode_t mode);
void config_files_write(const char *name, const char *content);
/* Into room for CONFIG_TEXT_MAX characters; the test fails when there is no such file. */
size_t config_files_read(const char *name, char *ret_text);
/* Good and bad secrets, in the folder secrets. */
void config_files_secrets(void);

#endif
