/* SPDX-License-Identifier: MIT
 * The terminal of the prompt. */
#include "cli/common/term.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#define WIDEST 4096

static struct termios found;
static bool is_open;
static volatile sig_atomic_t stopped;

static void stop_by_default(void)
{
    struct sigaction mine, by_default = {.sa_handler = SIG_DFL};
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigaction(SIGTSTP, &by_default, &mine);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &set, &old); /* stops here */
    sigprocmask(SIG_SETMASK, &old, NULL);
    sigaction(SIGTSTP, &mine, NULL);
}

/* All that is called here may be called in a handler. Not every shell brings the terminal back. */
static void on_stop(int signo)
{
    struct termios now;
    int err = errno;
    (void)signo;
    bool known = tcgetattr(STDIN_FILENO, &now) == 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &found);
    stop_by_default();
    if (known) {
        tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    stopped = 1;
    errno = err;
}

void term_open(void)
{
    struct sigaction old, stop = {.sa_handler = on_stop};
    setlocale(LC_CTYPE, ""); /* for the width of what is typed */
    is_open = tcgetattr(STDIN_FILENO, &found) == 0;
    /* who is started with the signal ignored has no shell that could wake it */
    if (is_open && sigaction(SIGTSTP, NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
        sigemptyset(&stop.sa_mask);
        sigaction(SIGTSTP, &stop, NULL);
    }
}

void term_set(enum term_mode mode)
{
    struct termios t = found;
    if (!is_open) {
        return;
    }
    if (mode == TERM_KEYS) {
        t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        t.c_cc[VMIN] = 1;
        t.c_cc[VTIME] = 0;
    }
    tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

bool term_was_stopped(void)
{
    bool was = stopped;
    stopped = 0;
    return was;
}

void term_close(void)
{
    term_set(TERM_COOKED);
    is_open = false;
}

FILE *term_screen(void)
{
    return isatty(STDOUT_FILENO) ? stdout : stderr;
}

int term_columns(void)
{
    struct winsize size;
    return ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int term_width(const char *text)
{
    static wchar_t wide[WIDEST];
    size_t n = mbstowcs(wide, text, WIDEST);
    return n < WIDEST ? wcswidth(wide, n) : -1;
}

void term_clear(int above, int behind)
{
    FILE *f = term_screen();
    if (above > 0) {
        fprintf(f, "\033[%dA", above);
    }
    fputs("\r\0337\033[K", f);
    for (int i = 0; i < behind; i++) {
        fputs("\033[B\033[K", f);
    }
    fputs("\0338", f);
}
