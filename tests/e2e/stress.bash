# SPDX-License-Identifier: MIT
# What the tests under load share.

# stress_scale: loads of a size that a build with sanitizers can take, where it is one.
stress_scale() {
    export E2E_SCALE=full E2E_SIGD=$SIGD
    if grep -q __asan_init "$SIGD"; then
        E2E_SCALE=small
    fi
}

# stress_figures: what the last case has measured, for whoever reads on.
stress_figures() {
    local line
    for line in "${lines[@]}"; do
        echo "# $line" >&3
    done
}
