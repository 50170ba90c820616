# Holds the emulator of one machine. Argument: the machine's folder. Reads words and answers each with the same word: "start" runs the
# command in the file `command`, one word a line; "cut" kills it, as when the power goes. When the input closes, which it does when the
# harness is gone for whatever reason, everything in this pid namespace goes along.
set -eu
cd "$1"
while read -r word; do
    case $word in
    start)
        mapfile -t words < command
        "${words[@]}" < /dev/null > emulator.log 2>&1 &
        emulator=$!
        ;;
    cut)
        kill -KILL "$emulator" 2> /dev/null || :
        wait "$emulator" 2> /dev/null || :
        ;;
    esac
    echo "$word"
done
