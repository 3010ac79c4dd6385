# shellcheck shell=bash
# Completion in bash for tools/run, tools/gdb and tools/test, the kernel's words in --append too:
#
#     . tools/completion.bash
#
# machine/complete.py finds what fits; where it says nothing, names of files are completed.

_rootmode_tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

_rootmode_complete() {
    mapfile -t COMPREPLY < <(PYTHONPATH=$_rootmode_tools python3 -B -P -m machine.complete \
        "${1##*/}" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    # What ends so goes on: a word's value, an item of a list, a CPU's guest.
    if [[ ${COMPREPLY[0]-} == *[=,:] ]]; then
        compopt -o nospace
    fi
}

for _rootmode_tool in run gdb test; do
    complete -o default -F _rootmode_complete "tools/$_rootmode_tool" "./tools/$_rootmode_tool" \
        "$_rootmode_tools/$_rootmode_tool"
done
unset _rootmode_tool
