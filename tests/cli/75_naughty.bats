# SPDX-License-Identifier: MIT
# 515 texts that would do harm where they are shown: nothing of them reaches a terminal raw, all of
# them come through a pipe as they were sent.
setup() { load ../lib/common.bash; }
teardown() { stop_all; }

naughty()
{
    start_sigd --message-rate 0 --send-queue 64M --send-queue-messages 65536 --send-timeout 60s \
        --event-ring 65536 --byte-rate 0
    run timeout 110 python3 "$BATS_TEST_DIRNAME/../naughty/show.py" "$1"
    assert_success
    echo "$output"
}

@test "the collection has 515 distinct texts" {
    run python3 "$BATS_TEST_DIRNAME/../naughty/strings.py"
    assert_success
    assert_equal "${#lines[@]}" 515
    assert_equal "$(sort -u <<<"$output" | wc -l)" 515
}

@test "messages of a hostile peer: listen, the prompt, sigmon" {
    naughty peers
}

@test "answers and descriptions of a hostile peer: offer, call, wait, list, sessions" {
    naughty people
}

@test "replies of a hostile server" {
    run timeout 110 python3 "$BATS_TEST_DIRNAME/../naughty/show.py" server
    assert_success
}
