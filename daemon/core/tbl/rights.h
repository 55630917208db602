/* SPDX-License-Identifier: MIT
 * The rights that hold unless the configuration says otherwise: RIGHTS_ROW(role, grants), in the
 * grammar of the option rights. local and anonymous are for connections of a server without
 * authentication, from this machine and from elsewhere; no token can name them. */
RIGHTS_ROW("local", "all")
RIGHTS_ROW("anonymous", "signal list watch")
RIGHTS_ROW("drone", "signal>camera,operator,admin list,watch>camera,operator")
RIGHTS_ROW("camera", "signal>drone,operator,admin")
RIGHTS_ROW("operator", "signal>drone,camera,operator,admin list,watch")
RIGHTS_ROW("monitor", "list,watch monitor,sessions,stats")
RIGHTS_ROW("admin", "all")
