# SPDX-License-Identifier: MIT
# Recordings written by hand. Set seq to 0 before.

# event MS MEMBERS: a line of a recording, at a time within a minute.
event()
{
    printf '{"seq":%d,"ts":"2026-11-28T12:00:%02d.%03dZ",%s,"at":%d}\n' $((++seq)) $(($1 / 1000)) \
        $(($1 % 1000)) "$2" $(($1 * 1000 + 77))
}

# relay MS KIND FROM TO SESSION SIZE [SUMMARY]: a message that was delivered.
relay()
{
    event "$1" '"event":"relay","kind":"'"$2"'","from":"'"$3"'","to":"'"$4"'"'"${5:+,\"session\":\"$5\"}"',"summary":"'"${7-}"'","size":'"$6"',"us":'"$6"
}

# life MS EVENT ID CONN [REASON]: register, replace or disconnect.
life()
{
    event "$1" '"event":"'"$2"'","id":"'"$3"'","conn":'"$4"',"reason":"'"${5-}"'"'
}

# failed MS KIND FROM TO SESSION CODE: a message that was not.
failed()
{
    event "$1" '"event":"deliver_error","kind":"'"$2"'","from":"'"$3"'","to":"'"$4"'","session":"'"$5"'","code":"'"$6"'","conn":1'
}
