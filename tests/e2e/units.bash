# SPDX-License-Identifier: MIT
# What the tests of the units share: rendered copies, and sigd under the filter of its unit.

CONTRIB=$BATS_TEST_DIRNAME/../../contrib
PATH=$PATH:/usr/sbin:/sbin

# render_units: with the daemon under test, in ./units.
render_units() {
    mkdir units
    sed "s|/usr/sbin/sigd|$SIGD|" "$CONTRIB/systemd/sigd.service" >units/sigd.service
    cp "$CONTRIB/systemd/sigd.socket" units
}

# confined_sigd: from now on start_sigd runs it under the filter. The leak checker wants ptrace,
# which the unit rightly denies.
confined_sigd() {
    printf '#!/bin/sh\nexec %q %q %q %q "$@"\n' "$PYTHON" "$E2E/units.py" \
        "$CONTRIB/systemd/sigd.service" "$SIGD" >confined
    chmod +x confined
    SIGD=$BATS_TEST_TMPDIR/confined
    ASAN_OPTIONS=detect_leaks=0
}
