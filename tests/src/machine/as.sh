#!/bin/bash
# as USER WORDS...: runs something as this user, logged in as themselves, with the environment of a fresh login and without a terminal.
set -eu
IFS=: read -r name _ uid gid _ home shell < <(getent passwd "$1")
shift
{ echo "$uid" > /proc/self/loginuid; } 2> /dev/null
exec setpriv --reuid "$uid" --regid "$gid" --init-groups --inh-caps=-all env -i -C / LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME="$home" USER="$name" LOGNAME="$name" SHELL="$shell" "$@"
