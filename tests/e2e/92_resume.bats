#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Links that are lost at random moments under load: nothing lost, nothing twice, nothing out of
# order.

load lib
load stress

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

@test "1,000 cuts at random moments: every message once and in order" {
    stress_scale
    start_sigd --message-rate 0 --byte-rate 0 --address-rate 0
    py resume cuts
    echo "# $output" >&3
    stop_sigd
}
