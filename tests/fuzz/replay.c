/* SPDX-License-Identifier: MIT
 * Runs a fuzz target over files, so that its seeds are tests with any compiler. Arguments: files or
 * directories. */
#include <sys/stat.h>

#include "tests/fuzz/common.h"
#include "tests/lib/files.h"

static void run(void *ctx, const char *name, const char *data, size_t n)
{
    (void)ctx;
    (void)name;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)data, n);
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        int n = files_each(argv[i], run, NULL);
        if (n < 0) {
            return 1;
        }
        total += n;
    }
    printf("%d inputs\n", total);
    return total > 0 ? 0 : 1;
}
