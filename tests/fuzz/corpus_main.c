/* Feeds the files of one corpus folder to a fuzz target's entry, without libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The copy has exactly the file's size, so that a sanitizer sees one byte read too many. */
static bool feed_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);
    bool whole = file != NULL && data != NULL && fread(data, 1, size, file) == size;
    if (whole)
        LLVMFuzzerTestOneInput(data, size);
    else
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    free(data);
    if (file != NULL)
        fclose(file);
    return whole;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    size_t fed = 0;
    bool good = true;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[4096];
        struct stat facts;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode))
            continue;
        good = feed_file(path, (size_t) facts.st_size) && good;
        fed++;
    }
    closedir(folder);
    printf("%zu inputs\n", fed);
    return good && fed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
