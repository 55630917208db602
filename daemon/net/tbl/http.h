/* SPDX-License-Identifier: MIT
 * One row per HTTP answer that sigd gives: HTTP_STATUS(ID, code, reason phrase). RFC 9110 15,
 * RFC 6585 4 (429). */
HTTP_STATUS(OK, 200, "OK")
HTTP_STATUS(BAD_REQUEST, 400, "Bad Request")
HTTP_STATUS(FORBIDDEN, 403, "Forbidden")
HTTP_STATUS(NOT_FOUND, 404, "Not Found")
HTTP_STATUS(BAD_METHOD, 405, "Method Not Allowed")
HTTP_STATUS(MISDIRECTED, 421, "Misdirected Request")
HTTP_STATUS(UPGRADE, 426, "Upgrade Required")
HTTP_STATUS(TOO_MANY, 429, "Too Many Requests")
HTTP_STATUS(UNAVAILABLE, 503, "Service Unavailable")
