/* SPDX-License-Identifier: MIT
 * A program of somebody else: composes a registration with libsigproto. */
#include <libproto/msg.h>
#include <stdio.h>

int main(void)
{
    char text[256];
    struct sp_buf b;
    struct sp_str none = {NULL, 0};
    sp_buf_init(&b, text, sizeof(text));
    sp_put_register(&b, SP_STR("drone-1"), none, none, none, none, SP_STR("1"));
    printf("%.*s\n", (int)b.n, b.p);
    return b.full;
}
