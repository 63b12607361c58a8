#!/bin/sh
# Makes the files beside this script anew, with perf 6.1: run it as root in this folder. The .script and .stats
# files are perf's own reading of them, for the tests to compare with.
set -eu
[ "$(hostname)" = testhost ] || exec unshare --uts sh -c "hostname testhost && exec sh $0"
loop='i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done'
both="($loop) & $loop; wait"

perf record -q --sample-cpu -F 2000 -g -o callgraph.data -- sh -c "$both; ls / >/dev/null"
perf record -q --sample-cpu -e cpu-clock/period=400000/ -e page-faults/period=1/ -o two_events.data -- sh -c "$both; ls / >/dev/null"
perf record -q -F 2000 -g -z -o compressed.data -- sh -c "$both"
perf record -q -k CLOCK_MONOTONIC -c 250000 -e cpu-clock -d -B -o clock.data -- sh -c "$loop"
perf record -q -F 1000 -e '{cpu-clock,page-faults}:S' -g -o group_read.data -- sh -c "$loop"
perf record -q -F 997 -e cpu-clock --switch-events --namespaces -T -W -o extras.data -- sh -c "$both"
perf record -q --sample-cpu -F 1000 -e cpu-clock,page-faults -o - -- sh -c "$both" >pipe.data
perf record -q -F 2000 -g -z -o - -- sh -c "$both" >pipe_compressed.data
perf record -q -e sched:sched_process_exec,page-faults -c 1 -o - -- sh -c 'ls / >/dev/null' >pipe_tracepoint.data

for name in callgraph two_events pipe; do
    perf script -i $name.data --ns -F comm,pid,tid,cpu,time,period,event,ip >$name.script
done
for name in compressed clock extras; do # no CPU in these samples
    perf script -i $name.data --ns -F comm,pid,tid,time,period,event,ip >$name.script
done
for name in callgraph two_events compressed clock extras pipe; do
    perf report -i $name.data --stats 2>/dev/null | grep -v '^$' >$name.stats
done
chmod 644 ./*.data
rm -f ./*.old
