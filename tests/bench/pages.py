# SPDX-License-Identifier: MIT
# Pages of metrics as bad servers have them: pages.py PORT_FILE. The path says how bad; the number
# of an answer counts from 1 for each path.
import http.server
import os
import sys
import threading

PAGE = """# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total %s
process_resident_memory_bytes{instance="a"} %s
process_open_fds %s
"""
asked = {}


def answer(path, n):
    """The status and the text of the nth answer to a path; None: there never is one."""
    good = 200, PAGE % (n / 100, 5e6, 12)
    return {
        "/good": good,
        "/503": (503, PAGE % (1, 5e6, 12)),
        "/hang": None,
        "/empty": (200, ""),
        "/nonsense": (200, "\0\xff{}} process_cpu_seconds_total 1\nprocess_cpu_seconds_total{ 7"),
        "/nan": (200, PAGE % ("NaN", 5e6, 12)),
        "/huge": (200, PAGE % ("1e300", 5e6, 12)),
        "/below": (200, PAGE % (1, -5, 12)),
        "/words": (200, PAGE % (1, 5e6, "many")),
        "/large": (200, "#" * (2 << 20)),
        "/gap": (503, "") if n == 5 else good,
        "/restarted": (200, PAGE % (100 - n, 5e6, 12)),
    }[path]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked[self.path] = asked.get(self.path, 0) + 1
        found = answer(self.path, asked[self.path])
        if found is None:
            threading.Event().wait()
        status, text = found
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode("latin-1"))

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass  # who asks may go away in the middle of a large page


server = Server(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".tmp", "w", encoding="ascii") as f:
    f.write(str(server.server_port))
os.rename(sys.argv[1] + ".tmp", sys.argv[1])
server.serve_forever()
