/* SPDX-License-Identifier: MIT
 * The terminal of top. */
#include "cli/sigmon/topscreen.h"

#include "cli/common/out.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[H\033[2J"
/* some terminals keep rows of a screen that has grown meanwhile, if it is left full */
#define LEAVE  "\033[H\033[2J\033[?25h\033[?1049l"
#define CTRL_Z 26

static struct termios found;
static bool is_open;

bool top_screen_can(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

/* What cannot be written is of a terminal that has gone: the keys tell. */
static void send(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(STDOUT_FILENO, p, n);
        if (k < 0 && errno != EINTR) {
            return;
        }
        p += k > 0 ? k : 0;
        n -= k > 0 ? (size_t)k : 0;
    }
}

void top_screen_open(void)
{
    if (is_open || tcgetattr(STDIN_FILENO, &found) != 0) {
        return;
    }
    struct termios t = found;
    t.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
    fflush(stdout);
    send(ENTER, sizeof(ENTER) - 1);
    is_open = true;
}

void top_screen_close(void)
{
    if (is_open) {
        send(LEAVE, sizeof(LEAVE) - 1);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &found);
        is_open = false;
    }
}

/* ---------------------------------------------------------------- frames */

struct drawing {
    FILE *f;
    bool any;
};

static void on_line(void *ctx, enum top_line kind, const char *line)
{
    static const char *const colours[] = {[TOP_HEAD] = "1",
                                          [TOP_TITLES] = "7",
                                          [TOP_ROW] = "0",
                                          [TOP_GONE] = "2",
                                          [TOP_STATUS] = "7"};
    struct drawing *d = ctx;
    /* erased first: at the right edge erasing would take the last character */
    fprintf(d->f, "%s\033[K%s%s%s", d->any ? "\r\n" : "", out_sgr(colours[kind]), line,
            out_sgr("0"));
    d->any = true;
}

void top_screen_draw(struct top_view *v)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    unsigned w = known ? size.ws_col : 80, h = known ? size.ws_row : 24;
    char *text = NULL;
    size_t n = 0;
    struct drawing d = {.f = is_open ? open_memstream(&text, &n) : NULL};
    if (!d.f) {
        return;
    }
    fputs("\033[H", d.f);
    top_view_frame(v, w, h > 5 ? h : 5, on_line, &d);
    fputs("\033[J", d.f);
    if (fclose(d.f) == 0) {
        send(text, n);
    }
    free(text);
}

/* ---------------------------------------------------------------- keys */

static void stop(void)
{
    top_screen_close();
    raise(SIGTSTP);
    top_screen_open();
}

bool top_screen_keys(struct top_view *v)
{
    char keys[512];
    ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
    if (n <= 0) {
        v->quit = n == 0 || (errno != EINTR && errno != EAGAIN);
        return false;
    }
    if (n == 1 && keys[0] == CTRL_Z) {
        stop();
        return false;
    }
    return top_keys(v, keys, (size_t)n);
}
