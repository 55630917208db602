/* SPDX-License-Identifier: MIT
 * The options that sigctl and sigmon have in common, a row each. Their names are those of the
 * user's configuration, for sigbench too. */
#include "cli/common/link.h"

const struct opt link_rows[] = {
#define ROW(name, letter, type, arg, env, member, help)                                            \
    {                                                                                              \
        name, letter, type, arg, env, offsetof(struct link_opts, member), help                     \
    }
    ROW("url", 'u', OPT_STRING, "URL", "SIGD_URL", url, "ws://, wss:// or ws+unix:/path"),
    ROW("id", 'i', OPT_STRING, "ID", "SIGD_ID", id, "who I am"),
    ROW("token-file", 0, OPT_STRING, "FILE", "SIGD_TOKEN_FILE", token_file,
        "bearer token ('-' is stdin)"),
    ROW("token", 0, OPT_SECRET, "TOKEN", "SIGD_TOKEN", token, "the bearer token itself"),
    ROW("cacert", 0, OPT_STRING, "FILE", NULL, cacert, "authorities that wss:// trusts"),
    ROW("cert", 0, OPT_STRING, "FILE", NULL, cert, "client certificate"),
    ROW("key", 0, OPT_STRING, "FILE", NULL, key, "its private key"),
    ROW("sni", 0, OPT_STRING, "NAME", NULL, sni, "server name to send and to verify"),
    ROW("insecure", 'k', OPT_FLAG, NULL, NULL, insecure, "do not verify the server"),
    ROW("timeout", 'W', OPT_TIMEOUT, "DUR", "SIGD_TIMEOUT", timeout_us, "give up with exit 5"),
    ROW("wait-server", 0, OPT_DURATION, "DUR", NULL, wait_server_us,
        "keep trying until the daemon is up"),
    ROW("retry", 0, OPT_COUNT, "N", NULL, retry, "connect again N times"),
    ROW("json", 'j', OPT_FLAG, NULL, NULL, json, "one JSON object a line"),
    ROW("plain", 0, OPT_FLAG, NULL, NULL, plain, "values of a line, separated by tabs"),
    ROW("format", 'F', OPT_STRING, "FMT", NULL, format, "template: %{from} %-12{type}\\n"),
    ROW("pretty", 0, OPT_FLAG, NULL, NULL, pretty, "indented JSON"),
    ROW("color", 0, OPT_CHOICE, "auto|always|never", NULL, color, "colour"),
    ROW("quiet", 'q', OPT_FLAG, NULL, NULL, quiet, "no remarks"),
    ROW("verbose", 'v', OPT_FLAG, NULL, NULL, verbose, "more remarks"),
    ROW("trace", 0, OPT_FLAG, NULL, NULL, trace, "each frame on stderr"),
    ROW("env-file", 0, OPT_ENV_FILE, "FILE", NULL, env_file, "NAME=value lines: more environment"),
    ROW("help", 'h', OPT_ASK, NULL, NULL, help, "this text"),
    ROW("version", 'V', OPT_ASK, NULL, NULL, version, "the version"),
#undef ROW
    {0}};

const char *const opt_alternatives[] = {"json|plain|format|pretty|output", "quiet|verbose",
                                        "token|token-file", NULL};
