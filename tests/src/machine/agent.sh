#!/bin/bash
# Runs inside a machine: takes scripts from the ports and answers. A request is a line with the number of bytes, then the script; the
# answer is a line with exit status and the sizes of both streams, then the streams. One request at a time on each port.
set -u
folder=/run/bed
mkdir -p -m 700 "$folder"

serve() {
    exec 3<> "$1"
    mine=$folder/$2
    while :; do
        # With nobody at the other end a port reads as ended.
        read -r -u 3 count || { sleep 0.1; continue; }
        head -c "$count" <&3 > "$mine.script"
        bash "$mine.script" < /dev/null > "$mine.out" 2> "$mine.err" 3>&-
        status=$?
        echo "$status $(stat -c %s "$mine.out" "$mine.err" | tr '\n' ' ')" >&3
        cat "$mine.out" "$mine.err" >&3
    done
}

for number; do
    serve /dev/vport*p"$number" "$number" &
done
wait
