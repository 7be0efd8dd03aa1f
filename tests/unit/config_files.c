/* The files that the configuration's tests write and read: see config_files.h. */
#include "config_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

void config_files_put(const char *name, const char *content, size_t len, mode_t mode)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(name, mode), 0);
}

void config_files_write(const char *name, const char *content)
{
    config_files_put(name, content, strlen(content), 0600);
}

size_t config_files_read(const char *name, char *ret_text)
{
    FILE *file = fopen(name, "r");
    if (file == NULL)
        fail_msg("%s is missing", name);
    size_t len = fread(ret_text, 1, CONFIG_TEXT_MAX - 1, file);
    fclose(file);
    ret_text[len] = '\0';
    return len;
}

void config_files_secrets(void)
{
    static char large[20000];
    memset(large, 'x', sizeof large);
    assert_int_equal(mkdir("secrets", 0700), 0);
    config_files_write("secrets/fingerprint.key",
                       "0123456789abcdef0123456789abcdef0123456789abcdef\n");
    config_files_write("secrets/merchant.key", "merchant key\r\n");
    config_files_write("secrets/merchant-530123.key", "payout key");
    config_files_write("secrets/empty.key", "\n");
    config_files_write("secrets/short.key", "short");
    config_files_write("secrets/two-lines.key", "a\nb\n");
    config_files_put("secrets/nul.key", "a\0b", 3, 0600);
    config_files_put("secrets/large.key", large, sizeof large, 0600);
    config_files_put("secrets/open.key", "k", 1, 0604);
}
