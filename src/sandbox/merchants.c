/* The accounts that the stand-in keeps. */
#include "merchants.h"

#include "amount.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_LEN = 512 };

static enum status complain(const char *why)
{
    fprintf(stderr, "payout-sandbox: a merchant is ID:SECRET[:BALANCE]: %s\n", why);
    return STATUS_CONFIG;
}

static enum status copy_part(struct bytes part, char *ret_text, size_t max)
{
    if (part.len == 0 || part.len > max)
        return complain("the id (32) and the secret (128 letters) have limits");
    memcpy(ret_text, part.data, part.len);
    ret_text[part.len] = '\0';
    return STATUS_OK;
}

static enum status add(struct merchants *merchants, const char *text, const char *balance)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL)
        return complain("no colon");
    const char *secret = colon + 1;
    const char *end = strchr(secret, ':');
    size_t secret_len = end == NULL ? strlen(secret) : (size_t) (end - secret);
    if (merchants->count == OPTIONS_MERCHANTS_MAX)
        return complain("too many of them");
    struct merchant merchant = {.id = ""};
    TRY(copy_part((struct bytes){text, (size_t) (colon - text)}, merchant.id, MERCHANT_ID_MAX));
    TRY(copy_part((struct bytes){secret, secret_len}, merchant.secret, MERCHANT_SECRET_MAX));
    if (merchants_find(merchants, bytes_of(merchant.id)) != NULL)
        return complain("an id comes twice");
    const char *amount = end == NULL ? balance : end + 1;
    if (amount_read(bytes_of(amount), AMOUNT_BALANCE_DIGITS, &merchant.first_balance_minor) !=
        STATUS_OK)
        return complain("the balance is not an amount");
    merchant.balance_minor = merchant.first_balance_minor;
    merchants->items[merchants->count++] = merchant;
    return STATUS_OK;
}

static enum status load_file(struct merchants *merchants, const struct options *options)
{
    FILE *stream = fopen(options->merchant_file, "r");
    if (stream == NULL) {
        fprintf(stderr, "payout-sandbox: cannot read %s: %s\n", options->merchant_file,
                strerror(errno));
        return STATUS_CONFIG;
    }
    char line[LINE_MAX_LEN];
    enum status status = STATUS_OK;
    while (status == STATUS_OK && fgets(line, sizeof line, stream) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#')
            status = add(merchants, line, options->balance);
    }
    fclose(stream);
    return status;
}

enum status merchants_load(const struct options *options, struct merchants *ret_merchants)
{
    ret_merchants->count = 0;
    for (size_t i = 0; i < options->merchants_count; i++)
        TRY(add(ret_merchants, options->merchants[i], options->balance));
    if (options->merchant_file != NULL)
        TRY(load_file(ret_merchants, options));
    if (ret_merchants->count == 0)
        TRY(add(ret_merchants, "9970:test_payout_key", options->balance));
    return STATUS_OK;
}

struct merchant *merchants_find(struct merchants *merchants, struct bytes id)
{
    for (size_t i = 0; i < merchants->count; i++)
        if (bytes_equal_text(id, merchants->items[i].id))
            return &merchants->items[i];
    return NULL;
}

void merchants_reset(struct merchants *merchants)
{
    for (size_t i = 0; i < merchants->count; i++)
        merchants->items[i].balance_minor = merchants->items[i].first_balance_minor;
}
